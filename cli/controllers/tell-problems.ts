import { LEASES } from "../../api/kube/lease.ts";
import { apiVersionOf, type KubeObject } from "../../api/kube/object.ts";
import { MEMBER_STATUS_LEASE } from "../../api/mcs/member-status.ts";
import type { EventRecorder } from "../../controllers/events/event-recorder.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";

/** What is over by then, such as a first list or a stream that breaks, is told to nobody. */
const STANDS_MS = 5_000;

interface Deps {
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What keeps a member's controllers from being ready: told once while it stands, in the log and as an Event. */
export class ProblemTeller {
  /** The Lease by which the controllers say how they are. */
  readonly #regarding: KubeObject;
  readonly #deps: Deps;
  #standing: { readonly problem: string; readonly sinceMs: number } | undefined;
  #told: string | undefined;

  constructor(leaseNamespace: string, deps: Deps) {
    this.#regarding = {
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: { namespace: leaseNamespace, name: MEMBER_STATUS_LEASE },
    };
    this.#deps = deps;
  }

  /**
   * To be called from time to time.
   * @param problem undefined: they are ready
   */
  look(problem: string | undefined, signal: AbortSignal): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (problem !== this.#standing?.problem) {
      this.#standing = problem === undefined ? undefined : { problem, sinceMs: nowMs };
    }
    if (problem === undefined) this.#over(signal);
    else if (nowMs - (this.#standing?.sinceMs ?? nowMs) >= STANDS_MS) this.tell(problem, signal);
  }

  /** At once: nobody will look again. */
  tell(problem: string, signal: AbortSignal): void {
    if (problem === this.#told) return;
    this.#told = problem;
    const { events, log } = this.#deps;
    log.warn("not ready", { problem });
    const draft = {
      type: "Warning",
      reason: "NotReady",
      action: "Running",
      note: problem,
    } as const;
    events.record(this.#regarding, draft, signal);
  }

  #over(signal: AbortSignal): void {
    if (this.#told === undefined) return;
    this.#told = undefined;
    const { events, log } = this.#deps;
    log.info("ready");
    const note = "nothing stands in the way of the controllers any more";
    events.record(
      this.#regarding,
      { type: "Normal", reason: "Ready", action: "Running", note },
      signal,
    );
  }
}

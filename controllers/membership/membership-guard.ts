import type { AboutVersion, ClusterProperty } from "../../api/mcs/cluster-property.ts";
import { clusterProperties } from "../../api/mcs/cluster-property.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { type JobOutcome, WorkQueue } from "../../runtime/kube/queue/work-queue.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { claimMembership, type Membership } from "./claim-membership.ts";
import { isLeaving, leavingText } from "./leaving.ts";

export interface MembershipGuardDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

const KEY = "membership";

/**
 * Keeps the cluster's identity standing while it is a member (CID-03, CID-06): a property that was deleted comes
 * back, one that says something else is reported and left for an admin to decide on.
 */
export class MembershipGuard {
  readonly #membership: Membership;
  readonly #version: AboutVersion;
  readonly #deps: MembershipGuardDeps;
  readonly #reflector: Reflector<ClusterProperty>;
  readonly #queue: WorkQueue;
  /** Aborts when the cluster is leaving: everybody who writes must stop. */
  readonly #leaving = new AbortController();
  #problem: string | undefined;

  constructor(membership: Membership, version: AboutVersion, deps: MembershipGuardDeps) {
    this.#membership = membership;
    this.#version = version;
    this.#deps = deps;
    this.#reflector = new Reflector({ resource: clusterProperties(version) }, deps);
    this.#queue = new WorkQueue(
      { name: KEY, concurrency: 1 },
      (_key, signal) => this.#check(signal),
      deps,
    );
  }

  /** What an admin must decide on; undefined while the cluster says who it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Aborts when somebody takes the cluster out of its clusterset. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#reflector.view.subscribe((event) => {
      if (event.kind !== "changed") return;
      const { before, after = before } = event;
      // Not left to the check: by then the property may be gone, mark and all, and would be made anew.
      if (after !== undefined && isLeaving(after)) this.#leave(leavingText(after.metadata.name));
      else this.#queue.add(KEY);
    });
    this.#reflector.start(signal);
    this.#queue.start(signal);
    await this.#queue.stopped();
    unsubscribe();
  }

  async #check(signal: AbortSignal): Promise<JobOutcome> {
    const { client, log } = this.#deps;
    const version = this.#version;
    const claimed = await claimMembership(client, this.#membership, { version, signal });
    if (claimed.ok) {
      if (this.#problem !== undefined) log.info("cluster identity is right again");
      this.#problem = undefined;
      return { kind: "done" };
    }
    if (claimed.error.kind === "kube") {
      const { error } = claimed.error;
      return error.kind === "aborted" ? { kind: "done" } : { kind: "failed", error };
    }
    const { message } = claimed.error;
    if (claimed.error.kind === "leaving") {
      this.#leave(message);
      return { kind: "done" };
    }
    if (message !== this.#problem) log.error("cluster identity was changed", { problem: message });
    this.#problem = message;
    return { kind: "done" };
  }

  #leave(why: string): void {
    if (this.#leaving.signal.aborted) return;
    this.#deps.log.warn("cluster is leaving its clusterset");
    this.#problem = why;
    this.#leaving.abort();
  }
}

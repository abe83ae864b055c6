import { LEASES, type Lease } from "../../../api/kube/lease.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { ControllersProcess } from "../world/controllers-process.ts";
import { LEASE_NAME, LEASE_NAMESPACE } from "../world/lease.ts";
import type { Change, SimCluster } from "../world/sim-cluster.ts";
import type { Report } from "./violation.ts";

/**
 * The lease, two attempts to take it, each up to a fifth late, and the requests. An attempt may come just before the
 * lease has run out, and the lease runs from when it was seen, not from when it was written.
 */
const GAP_MS_MAX = 15_000 + 2 * 2_400 + 500;

/**
 * Replicas of one member's controllers. One writer: who writes holds the lease in the moment of the write. No gap longer than
 * the lease: while some replica lives and the API server answers, somebody leads.
 */
export class Leadership {
  readonly #cluster: SimCluster;
  readonly #clock: Clock;
  readonly #report: Report;
  /** Processes that are up and reach the API server, and since when. BOUNDED: by the replicas of a member. */
  readonly #upSinceMs = new Map<ControllersProcess, number>();
  #leader: ControllersProcess | undefined;
  /** Nobody has led since. */
  #vacantSinceMs = 0;
  /** Until when requests were disturbed; undefined: they are. */
  #disturbedMs: number | undefined = 0;

  constructor(
    cluster: SimCluster,
    { clock, report }: { readonly clock: Clock; readonly report: Report },
  ) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#report = report;
  }

  /** It may lead from now on: it has started, or reaches the API server again. */
  reachable(process: ControllersProcess, isReachable: boolean): void {
    this.checkGap();
    if (!isReachable) this.#upSinceMs.delete(process);
    else if (process.elects) this.#upSinceMs.set(process, this.#clock.monotonicMs());
  }

  /** Crashed, or told to stop: it may go on to lead until its work has ended. */
  stopped(process: ControllersProcess, how: "crash" | "graceful"): void {
    this.checkGap();
    this.#upSinceMs.delete(process);
    if (how === "crash") this.leading(process, false);
  }

  leading(process: ControllersProcess, isLeading: boolean): void {
    this.checkGap();
    if (isLeading) this.#leader = process;
    else if (this.#leader === process) {
      this.#leader = undefined;
      this.#vacantSinceMs = this.#clock.monotonicMs();
    }
  }

  /** From now on requests fail or are slow, or they do so no more. */
  disturbed(isDisturbed: boolean): void {
    this.checkGap();
    if (isDisturbed) this.#disturbedMs = undefined;
    else this.#disturbedMs ??= this.#clock.monotonicMs();
  }

  /** @param change anything that a process of this member wrote but Events and the lease itself. */
  wrote({ collection, key }: Change, writer: ControllersProcess): void {
    if (!writer.elects) return;
    const lease = this.#cluster.get<Lease>(LEASES, `${LEASE_NAMESPACE}/${LEASE_NAME}`);
    const holder = lease?.spec?.holderIdentity;
    if (holder === writer.identity) return;
    this.#report(
      "one-writer",
      `${writer.identity} wrote ${collection} ${key} while the lease was held by "${holder}"`,
    );
  }

  /** To be called at least as often as anything that bears on it changes. */
  checkGap(): void {
    if (this.#leader !== undefined || this.#upSinceMs.size === 0) return;
    if (this.#disturbedMs === undefined) return;
    const sinceMs = Math.max(
      this.#vacantSinceMs,
      this.#disturbedMs,
      Math.min(...this.#upSinceMs.values()),
    );
    const gapMs = this.#clock.monotonicMs() - sinceMs;
    if (gapMs <= GAP_MS_MAX) return;
    this.#report(
      "leader-gap",
      `nobody has led in ${this.#cluster.id} for ${Math.round(gapMs)} ms: must be at most ${GAP_MS_MAX} ms`,
    );
  }
}

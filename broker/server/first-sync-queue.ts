import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { BrokerMetrics } from "./metrics.ts";

/** Members that are sent everything at the same time: more would not be done sooner, and hold more memory meanwhile. */
const FIRST_SYNCS_MAX = 16;

/** For so long one keeps others waiting: a member that reads slowly goes on by itself then, and costs no time. */
const TURN_MS = 10_000;

/** One member that is to be sent everything. */
export interface FirstSync {
  /** Its turn has come. */
  begin(): void;
}

interface Deps {
  readonly clock: Clock;
  readonly metrics: Pick<BrokerMetrics, "firstSyncs">;
}

/**
 * Who comes with nothing is sent everything, which costs the broker most: so many at once, the others in the order they came. They are
 * heard and answered meanwhile; who only lacks differences does not stand in this line.
 */
export class FirstSyncQueue {
  readonly #deps: Deps;
  readonly #max: number;
  /** BOUNDED: by #max. */
  readonly #running = new Map<FirstSync, Timer>();
  /** First come first served. BOUNDED: by the connected members. */
  readonly #waiting = new Set<FirstSync>();
  #timer: Timer | undefined;

  constructor(deps: Deps, max: number = FIRST_SYNCS_MAX) {
    this.#deps = deps;
    this.#max = max;
    this.#measure();
  }

  /** Its turn may have come at once. */
  enter(sync: FirstSync): void {
    this.#waiting.add(sync);
    if (this.#timer === undefined) this.#admit();
    this.#measure();
  }

  /** It is done, or gone. Idempotent. */
  leave(sync: FirstSync): void {
    this.#waiting.delete(sync);
    this.#running.get(sync)?.cancel();
    if (this.#running.delete(sync)) this.#passOn();
    this.#measure();
  }

  /** In a turn of the event loop of its own: those who are only heard and answered have theirs in between. */
  #passOn(): void {
    if (this.#waiting.size === 0) return;
    this.#timer ??= this.#deps.clock.setTimer(0, () => {
      this.#timer = undefined;
      this.#admit();
      this.#measure();
    });
  }

  #admit(): void {
    for (const sync of this.#waiting) {
      if (this.#running.size >= this.#max) return;
      this.#waiting.delete(sync);
      const timer = this.#deps.clock.setTimer(TURN_MS, () => this.leave(sync));
      this.#running.set(sync, timer);
      sync.begin();
    }
  }

  #measure(): void {
    const { firstSyncs } = this.#deps.metrics;
    firstSyncs.set(this.#running.size, { state: "running" });
    firstSyncs.set(this.#waiting.size, { state: "waiting" });
  }
}

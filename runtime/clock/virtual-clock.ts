import type { Clock, Timer } from "./clock.ts";

/** A clock that moves only when told to: for tests and the simulation. */
export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #nextId = 0;
  /** BOUNDED: by the timers its users set; fired and cancelled ones leave. */
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const id = this.#nextId++;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, delayMs), callback });
    return { cancel: () => void this.#timers.delete(id) };
  }

  /** When the next timer fires; undefined when none is set. */
  nextTimerMs(): number | undefined {
    return this.#next()?.atMs;
  }

  /** Timers set and neither fired nor cancelled. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Moves time by `ms`, firing timers in order; lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.atMs <= until; next = this.#next()) {
      this.#timers.delete(next.id);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#nowMs = until;
  }

  #next(): { id: number; atMs: number; callback: () => void } | undefined {
    let best: { id: number; atMs: number; callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      if (best === undefined || timer.atMs < best.atMs) best = { id, ...timer };
    }
    return best;
  }
}

/** One real turn of the event loop: every promise that can settle has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

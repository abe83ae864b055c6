import type { Clock, Timer } from "../../runtime/clock/clock.ts";

/**
 * Wakes a step machine when it is due. A timer that fires early is harmless: each message moves the due time, the timer
 * need not follow.
 */
export class DueTimer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #armed: { readonly timer: Timer; readonly dueMs: number } | undefined;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Monotonic; undefined: never. */
  due(dueMs: number | undefined): void {
    if (dueMs !== undefined && this.#armed !== undefined && this.#armed.dueMs <= dueMs) return;
    this.#armed?.timer.cancel();
    this.#armed = undefined;
    if (dueMs === undefined) return;
    // Whole milliseconds, rounded up: a timer that rounds down would fire before its time, again and again.
    const delayMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs()));
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#armed = undefined;
      this.#wake();
    });
    this.#armed = { timer, dueMs };
  }
}

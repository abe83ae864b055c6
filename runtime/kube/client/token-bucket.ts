import type { Clock } from "../../clock/clock.ts";
import { sleep } from "../../clock/sleep.ts";

export interface RateLimit {
  /** Sustained requests per second. */
  readonly perSecond: number;
  /** Requests that may go at once after a quiet time. */
  readonly burst: number;
}

/** Client-side rate limit: a caller takes a token or waits its turn, first come first served. */
export class TokenBucket {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  /** May be negative: that many callers wait. */
  #tokens: number;
  #refilledAtMs: number;

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#tokens = limit.burst;
    this.#refilledAtMs = clock.monotonicMs();
  }

  /** Waits until a request may go; returns early when the signal aborts (callers check it). */
  async take(signal: AbortSignal): Promise<void> {
    this.#refill();
    this.#tokens -= 1;
    if (this.#tokens >= 0) return;
    await sleep(this.#clock, (-this.#tokens / this.#limit.perSecond) * 1_000, signal);
    // One who gave up does not use its token.
    if (signal.aborted) this.#tokens += 1;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - this.#refilledAtMs) / 1_000) * this.#limit.perSecond;
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + earned);
    this.#refilledAtMs = nowMs;
  }
}

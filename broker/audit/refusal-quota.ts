/** Refusals told in full: a burst, and this many a minute after it. */
const BURST = 200;
const PER_MINUTE = 60;

/** How many refusals are told one by one; the others are only counted. */
export class RefusalQuota {
  #tokens = BURST;
  #filledAtMs: number;
  #suppressed = 0;

  /** @param nowMs monotonic, as everywhere here */
  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** `suppressed`: how many were not told since the last one that was. */
  take(nowMs: number): { readonly isWithin: boolean; readonly suppressed: number } {
    const earned = ((nowMs - this.#filledAtMs) / 60_000) * PER_MINUTE;
    this.#tokens = Math.min(BURST, this.#tokens + earned);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) {
      this.#suppressed += 1;
      return { isWithin: false, suppressed: 0 };
    }
    this.#tokens -= 1;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return { isWithin: true, suppressed };
  }
}

/** Times of successes, of which the longest pause is kept. All in milliseconds of one clock. */
export class GapMeter {
  #lastMs: number;
  #longestMs = 0;
  #count = 0;

  /** @param startMs from when on silence counts. */
  constructor(startMs: number) {
    this.#lastMs = startMs;
  }

  get count(): number {
    return this.#count;
  }

  success(nowMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.#count++;
  }

  /** The silence that lasts counts too. */
  longestMs(nowMs: number): number {
    return Math.max(this.#longestMs, nowMs - this.#lastMs);
  }
}

/** Each bound is so much more than the one before: how far a quantile may be off. */
const STEP = 1.25;
const FIRST_MS = 0.1;
/** Up to more than a minute: beyond any deadline. */
const BUCKETS = 64;
/** So many are held; then each counts half, so that what was long ago counts ever less. */
const HALVE_AT = 1_024;

/** How long things took lately. BOUNDED: a count for each of a fixed number of bounds. */
export class LatencySketch {
  readonly #counts = new Uint16Array(BUCKETS);
  #total = 0;

  observe(ms: number): void {
    const bucket = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(STEP));
    const at = Math.min(BUCKETS - 1, bucket);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total += 1;
    if (this.#total < HALVE_AT) return;
    this.#total = 0;
    for (const [each, count] of this.#counts.entries()) {
      this.#counts[each] = count >>> 1;
      this.#total += count >>> 1;
    }
  }

  /** The least bound, ms, below which this part (0 to 1) of them lies; undefined: there were none. */
  quantile(part: number): number | undefined {
    if (this.#total === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(part * this.#total));
    let seen = 0;
    const bucket = this.#counts.findIndex((count) => {
      seen += count;
      return seen >= wanted;
    });
    return Number((FIRST_MS * STEP ** bucket).toPrecision(2));
  }
}

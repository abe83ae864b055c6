/** What a number of tries came to. */
export interface Samples {
  /** Milliseconds that each successful try took. BOUNDED: by who makes them. */
  readonly ms: readonly number[];
  /** Tries that failed, or that nobody answered. */
  readonly failed: number;
  /** Tries that were due while too many were under way, and were not made. */
  readonly skipped: number;
  /** From the first try to the end of the last, milliseconds. */
  readonly elapsedMs: number;
}

export interface Summary {
  readonly count: number;
  readonly failed: number;
  /** Successful tries a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Undefined: nothing succeeded, so that there is nothing to tell. */
export function summaryOf({ ms, failed, skipped, elapsedMs }: Samples): Summary | undefined {
  if (ms.length === 0) return undefined;
  const sorted = ms.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    failed: failed + skipped,
    perSecond: elapsedMs > 0 ? round((sorted.length * 1_000) / elapsedMs) : 0,
    p50Ms: round(percentile(sorted, 50)),
    p99Ms: round(percentile(sorted, 99)),
    maxMs: round(sorted.at(-1) ?? 0),
  };
}

/** Nearest rank: the smallest value that so many per cent do not exceed. */
export function percentile(sorted: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

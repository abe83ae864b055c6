/** How much is asked of the clusters: gentle, so that it may run beside everything else. */
export interface BenchmarkOptions {
  /** How often the service is exported, and its export ended. */
  readonly rounds: number;
  /** Names resolved a second. */
  readonly dnsRate: number;
  /** Requests a second. */
  readonly requestRate: number;
  /** Of names, and again of requests. */
  readonly durationMs: number;
  /** Taken once. */
  readonly bytes: number;
  /** For each thing that is waited for, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Tries under way at once. */
export const AT_ONCE = 8;

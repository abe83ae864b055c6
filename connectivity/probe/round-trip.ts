import { FIRST_TIMEOUT_MS, TIMEOUT_MS_MAX } from "./probe-settings.ts";

/** The smoothed round trip of one path and how much it varies, as TCP keeps them (RFC 6298, section 2). */
export interface RoundTrip {
  readonly smoothedMs: number;
  readonly variationMs: number;
}

/** RFC 6298, section 2: the gains 1/8 and 1/4. */
export function withSample(before: RoundTrip | undefined, sampleMs: number): RoundTrip {
  if (before === undefined) return { smoothedMs: sampleMs, variationMs: sampleMs / 2 };
  const errorMs = Math.abs(before.smoothedMs - sampleMs);
  return {
    variationMs: before.variationMs + (errorMs - before.variationMs) / 4,
    smoothedMs: before.smoothedMs + (sampleMs - before.smoothedMs) / 8,
  };
}

/** How long an answer is waited for: at least `leastMs`, longer where the path is. */
export function answerTimeoutMs(trip: RoundTrip | undefined, leastMs: number): number {
  if (trip === undefined) return FIRST_TIMEOUT_MS;
  return Math.min(TIMEOUT_MS_MAX, Math.max(leastMs, trip.smoothedMs + 4 * trip.variationMs));
}

/**
 * What people are told of another cluster. alive: it has a stream to the broker. suspect: it has had none for less than
 * `--stale-after`; everything stays as it is. gone: for longer, so its endpoints are withdrawn, or it has left.
 */
export type Liveness = "alive" | "suspect" | "gone";

/** Longer than a restart of a member's controllers, and than a change of their leader. */
export const DEFAULT_STALE_AFTER_MS = 60_000;

/** @param silentMs since when a broker that can be heard has had no stream of it; undefined: it has one. */
export function livenessOf(silentMs: number | undefined, staleAfterMs: number): Liveness {
  if (silentMs === undefined) return "alive";
  return silentMs < staleAfterMs ? "suspect" : "gone";
}

/** Endpoints of a cluster, ready or not. */
export interface ClusterHealth {
  readonly ready: number;
  readonly total: number;
}

/** How far above the threshold the ready share must be before clients come back, percentage points. */
const RETURN_POINTS = 10;

/**
 * Whether the local cluster answers alone. It does while its ready share is at `threshold` (0 to 1) or above; once it has
 * spilled over to the others it comes back only when it is clearly healthier: RETURN_POINTS above the threshold and by one
 * endpoint more than that asks for, or wholly ready. So neither one endpoint that comes and goes nor a share that swings
 * around the threshold moves everybody's clients back and forth.
 */
export function servesAlone(
  { ready, total }: ClusterHealth,
  threshold: number,
  hasSpilled: boolean,
): boolean {
  if (ready === 0) return false;
  if (!hasSpilled || ready === total) return ready / total >= threshold;
  const points = Math.round(threshold * 100) + RETURN_POINTS;
  // Whatever the threshold, one endpoint is asked for.
  return ready > 1 && ready * 100 >= points * total && (ready - 1) / total >= threshold;
}

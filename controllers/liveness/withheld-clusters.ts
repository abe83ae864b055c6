import type { ClusterId } from "../../api/cluster-id.ts";

/** What decides whether endpoints of lost clusters may be taken away. */
export interface PeerHealth {
  isLost(cluster: ClusterId): boolean;
  readonly isAlone: boolean;
}

/**
 * Clusters whose endpoints must not be offered for one service (CLN-05). Last ones are kept: when nobody can be heard, or
 * when no ready endpoint would be left to answer (design, decision 6; CLN-08).
 * @param backing the clusters with endpoints, and whether one of those is ready.
 */
export function withheldClusters(
  backing: ReadonlyMap<ClusterId, boolean>,
  health: PeerHealth,
): ReadonlySet<ClusterId> {
  const lost = [...backing.keys()].filter((cluster) => health.isLost(cluster));
  if (lost.length === 0 || health.isAlone) return NOBODY;
  const isAnyLeft = [...backing].some(([cluster, isReady]) => isReady && !lost.includes(cluster));
  return isAnyLeft ? new Set(lost) : NOBODY;
}

const NOBODY: ReadonlySet<ClusterId> = new Set();

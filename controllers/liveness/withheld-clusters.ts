import type { ClusterId } from "../../api/cluster-id.ts";
import type { ReachableRow } from "../import/slices/derive-slices.ts";

/** What decides whether endpoints of lost clusters may be taken away. */
export interface PeerHealth {
  isLost(cluster: ClusterId): boolean;
  readonly isAlone: boolean;
}

/**
 * Clusters whose endpoints must not be offered for one service (CLN-05). Last ones are kept: when nobody can be heard, or
 * when no ready endpoint would be left to answer (design, decision 6; CLN-08).
 * @param backing as `readyByCluster` says.
 */
export function withheldClusters(
  backing: ReadonlyMap<ClusterId, boolean>,
  health: PeerHealth,
): ReadonlySet<ClusterId> {
  if (health.isAlone) return NOBODY;
  const lost = [...backing.keys()].filter((cluster) => health.isLost(cluster));
  if (lost.length === 0) return NOBODY;
  const isAnyLeft = [...backing].some(([cluster, isReady]) => isReady && !lost.includes(cluster));
  return isAnyLeft ? new Set(lost) : NOBODY;
}

const NOBODY: ReadonlySet<ClusterId> = new Set();

/** The clusters with endpoints, and whether one of those is ready. */
export function readyByCluster(rows: readonly ReachableRow[]): ReadonlyMap<ClusterId, boolean> {
  const ready = new Map<ClusterId, boolean>();
  for (const { cluster, endpoints } of rows) {
    const isReady = endpoints.some((endpoint) => endpoint.ready);
    ready.set(cluster, isReady || ready.get(cluster) === true);
  }
  return ready;
}

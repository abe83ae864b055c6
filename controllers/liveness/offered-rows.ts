import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { deriveSlices, type ReachableRow } from "../import/slices/derive-slices.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import { type PeerHealth, withheldClusters } from "./withheld-clusters.ts";

/** The endpoints of one service that may be offered: without those of lost clusters, if others are left to answer. */
export function offeredRows(
  merged: MergedService,
  rows: readonly ReachableRow[],
  health: PeerHealth,
): readonly ReachableRow[] {
  if (!rows.some(({ cluster }) => health.isLost(cluster))) return rows;
  const withheld = withheldClusters(readyByCluster(merged, rows), health);
  return rows.filter(({ cluster }) => !withheld.has(cluster));
}

/**
 * The clusters with endpoints, and whether one of those is ready and behind a port of the service: a cluster with none of
 * the merged ports cannot answer (CON-26).
 */
function readyByCluster(
  merged: MergedService,
  rows: readonly ReachableRow[],
): ReadonlyMap<ClusterId, boolean> {
  const ready = new Map<ClusterId, boolean>();
  for (const { metadata, endpoints } of deriveSlices(merged, rows, undefined)) {
    const cluster = parseClusterId(metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "");
    if (!cluster.ok) continue;
    const isReady = (endpoints ?? []).some(({ conditions }) => conditions?.ready === true);
    ready.set(cluster.value, isReady || ready.get(cluster.value) === true);
  }
  return ready;
}

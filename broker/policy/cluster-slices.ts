import { createHash } from "node:crypto";
import type { ClusterId } from "../../api/cluster-id.ts";
import { matchesPattern, type NamespacePattern } from "../../api/policy/namespace-rules.ts";
import type { Slice } from "../../api/slices/slice.ts";
import { holdsNamespace, type SliceSet } from "../../api/slices/slice-set.ts";

/** What slices leave of the clusterset for one cluster. */
export interface ClusterSlices {
  /** Those that it is in. */
  readonly own: readonly Slice[];
  /** Namespaces that slices of others name; where its own name them too, its own count. */
  readonly foreign: readonly NamespacePattern[];
}

export const NO_CLUSTER_SLICES: ClusterSlices = { own: [], foreign: [] };

export function clusterSlices(set: SliceSet, cluster: ClusterId): ClusterSlices {
  const own = set.slices.filter(({ clusters }) => clusters.includes(cluster));
  const foreign = set.slices
    .filter(({ clusters }) => !clusters.includes(cluster))
    .flatMap(({ namespaces }) => namespaces);
  return { own, foreign: [...new Set(foreign)].toSorted() };
}

/** Whether some slice names the namespace and none that the cluster is in. */
export function isForeign({ own, foreign }: ClusterSlices, namespace: string): boolean {
  return (
    foreign.some((pattern) => matchesPattern(pattern, namespace)) &&
    !own.some((slice) => holdsNamespace(slice, namespace))
  );
}

/** Whether some slice names the namespace, wherever. */
export function isClaimed({ own, foreign }: ClusterSlices, namespace: string): boolean {
  return (
    own.some((slice) => holdsNamespace(slice, namespace)) ||
    foreign.some((pattern) => matchesPattern(pattern, namespace))
  );
}

/** Whether the cluster must not hear of what this owner has in the namespace. */
export function isHidden(slices: ClusterSlices, owner: ClusterId, namespace: string): boolean {
  const slice = slices.own.find((candidate) => holdsNamespace(candidate, namespace));
  return slice === undefined ? isForeign(slices, namespace) : !slice.clusters.includes(owner);
}

/**
 * Names what its own slices let a cluster see of others, equal exactly when that is; empty for a cluster in no slice. What is
 * foreign to it is not part of it: it holds nothing of those namespaces, and asks for them anew in each stream.
 */
export function visibilityOf({ own }: ClusterSlices): string {
  if (own.length === 0) return "";
  const scopes = own.map(({ namespaces, clusters }) => [namespaces, clusters]);
  return createHash("sha256").update(JSON.stringify(scopes)).digest("base64url");
}

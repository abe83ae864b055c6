import type { ClusterId } from "../../api/cluster-id.ts";
import { ALL_NAMESPACES, type NamespaceRules } from "../../api/policy/namespace-rules.ts";
import { ANY_ADDRESS, type AnnouncedCidrs } from "../wire/address-rules.ts";
import { LIMITS } from "../wire/limits.ts";
import { type ClusterSlices, NO_CLUSTER_SLICES } from "./cluster-slices.ts";

/** What the hub lets one cluster do (SEC-04, SEC-06). */
export interface ClusterPolicy {
  readonly exports: NamespaceRules;
  /** Rows of other namespaces are never sent to it. */
  readonly imports: NamespaceRules;
  /** Rows that are exports. */
  readonly maxExports: number;
  /** In all its rows together. */
  readonly maxEndpoints: number;
  /** Encoded. */
  readonly maxRowBytes: number;
  /** Its writes are read at this pace; undefined: as fast as everybody's. */
  readonly writesPerSecond: number | undefined;
  /** Networks its endpoints must lie in, whatever it announces itself; empty: not fixed. */
  readonly cidrs: readonly string[];
  /** `cidrs` as a test. */
  readonly networks: AnnouncedCidrs;
  /** Scopes inside the clusterset (docs/decisions/0009). */
  readonly slices: ClusterSlices;
}

/** What every cluster may do, by cluster. */
export interface HubPolicy {
  of(cluster: ClusterId): ClusterPolicy;
}

/** Only the bounds that protect the broker itself. */
export const UNLIMITED: ClusterPolicy = {
  exports: ALL_NAMESPACES,
  imports: ALL_NAMESPACES,
  maxExports: LIMITS.rowsPerOwner,
  maxEndpoints: LIMITS.rowsPerOwner * LIMITS.endpointsPerRow,
  maxRowBytes: LIMITS.rowBytes,
  writesPerSecond: undefined,
  cidrs: [],
  networks: ANY_ADDRESS,
  slices: NO_CLUSTER_SLICES,
};

export const NO_POLICY: HubPolicy = { of: () => UNLIMITED };

/** Both decide the same in every case. */
export function isSamePolicy(a: ClusterPolicy, b: ClusterPolicy): boolean {
  return a === b || textOf(a) === textOf(b);
}

function textOf({ networks: _test, ...rules }: ClusterPolicy): string {
  return JSON.stringify(rules);
}

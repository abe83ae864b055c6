import type { ClusterId } from "../cluster-id.ts";
import type { NamespacePattern } from "../policy/namespace-rules.ts";

/** Most slices of a clusterset: each is a class of traffic at every gateway of its clusters. */
export const SLICES_MAX = 64;

/**
 * A scope inside the clusterset. Services of its namespaces in its clusters exist and can be reached only there. Written by
 * the hub's admin alone (docs/decisions/0009).
 */
export interface Slice {
  /** A DNS label, unique in the clusterset. */
  readonly name: string;
  readonly clusters: readonly ClusterId[];
  /** Whose services are in it, and whose pods may be clients of those. */
  readonly namespaces: readonly NamespacePattern[];
  /** Labels that a pod must have to be a client; empty: every pod of the namespaces. */
  readonly podLabels: Readonly<Record<string, string>>;
  readonly bandwidth: Bandwidth;
}

/** Of what each gateway sends to other clusters for one slice, bits per second. */
export interface Bandwidth {
  /** Kept for it when others want more than there is; absent: nothing is. */
  readonly floor?: number;
  /** It never gets more; absent: all there is. */
  readonly ceiling?: number;
}

import type { RowEndpoint } from "../api/broker/row.ts";
import type { ClusterId } from "../api/cluster-id.ts";
import type { IpFamily } from "../api/kube/service.ts";

/**
 * A way to reach peers (design, decision 8). `advertise` and `reach` are pure address mappings;
 * everything with effects is in `apply`, `probe` and `cleanup`.
 */
export interface Backend {
  readonly name: BackendName;

  /** A local endpoint's address as peers can dial it; undefined when peers cannot. */
  advertise(endpoint: AddressedEndpoint): AddressedEndpoint | undefined;

  /** A peer's advertised endpoint as local clients must dial it; undefined when they cannot. */
  reach(peer: ClusterId, endpoint: AddressedEndpoint): AddressedEndpoint | undefined;

  /** Brings the dataplane to the full desired state; idempotent. */
  apply(desired: DataplaneState, signal: AbortSignal): Promise<void>;

  /** Measures the path to a peer. */
  probe(peer: ClusterId, signal: AbortSignal): Promise<ProbeResult>;

  /** Leaves no trace on the machine. */
  cleanup(signal: AbortSignal): Promise<void>;
}

export type BackendName = "underlay" | "overlay-cni" | "vxlan" | "proxy";

export interface AddressedEndpoint {
  readonly family: IpFamily;
  readonly endpoint: RowEndpoint;
}

/** Everything a dataplane needs to know, always the whole of it. */
export interface DataplaneState {
  readonly peers: readonly { readonly cluster: ClusterId; readonly cidrs: readonly string[] }[];
}

export type ProbeResult =
  | { readonly kind: "up"; readonly rttMs: number }
  | { readonly kind: "down"; readonly reason: string }
  /** The backend has no way to measure: never reported as healthy. */
  | { readonly kind: "not-tested"; readonly reason: string };

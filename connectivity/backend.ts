import type { RowEndpoint, RowPort } from "../api/broker/row.ts";
import type { ClusterId } from "../api/cluster-id.ts";
import type { IpFamily } from "../api/kube/service.ts";
import { BACKEND_NAMES, type BackendName } from "../api/network/backend-name.ts";
import type { ServiceKey } from "../api/service-key.ts";

export { BACKEND_NAMES, type BackendName };

/**
 * A way to reach peers (design, decision 8). `advertise` and `reach` are pure mappings;
 * everything with effects is in `apply`, `probe` and `cleanup`.
 */
export interface Backend {
  readonly name: BackendName;

  /**
   * A local endpoint as it travels to peers. Rows are the same for every importer, whatever backend that one uses:
   * the address stays, but an endpoint that no peer could ever dial is dropped (undefined).
   */
  advertise(endpoint: AddressedEndpoint): AddressedEndpoint | undefined;

  /**
   * One slice of a peer's service as local clients must dial it; undefined when they cannot. Addresses may change, and
   * ports too where something of ours listens in the place of the endpoints; an endpoint without a way is left out.
   */
  reach(peer: ClusterId, service: ServiceKey, slice: ReachableSlice): ReachableSlice | undefined;

  /** Brings the dataplane to the full desired state; idempotent. */
  apply(desired: DataplaneState, signal: AbortSignal): Promise<void>;

  /** Measures the path to a peer. */
  probe(peer: ClusterId, signal: AbortSignal): Promise<ProbeResult>;

  /** Leaves no trace on the machine. */
  cleanup(signal: AbortSignal): Promise<void>;
}

export interface AddressedEndpoint {
  readonly family: IpFamily;
  readonly endpoint: RowEndpoint;
}

/** What of an endpoints row a backend may map. */
export interface ReachableSlice {
  readonly addressType: IpFamily;
  readonly ports: readonly RowPort[];
  readonly endpoints: readonly RowEndpoint[];
}

/** Everything a dataplane needs to know, always the whole of it. */
export interface DataplaneState {
  readonly peers: readonly { readonly cluster: ClusterId; readonly cidrs: readonly string[] }[];
}

export type ProbeResult =
  | {
      readonly kind: "up";
      readonly rttMs: number;
      /** Of the latest probes, 0 to 100. */
      readonly lossPercent?: number;
      /** Largest IP packet that passes whole, bytes. */
      readonly mtu?: number;
    }
  | { readonly kind: "down"; readonly reason: string }
  /** The backend has no way to measure: never reported as healthy. */
  | { readonly kind: "not-tested"; readonly reason: string };

import type { ClusterId } from "../api/cluster-id.ts";
import type { PeerStatus } from "../api/network/peer.ts";
import type { ServiceKey } from "../api/service-key.ts";
import type { AddressedEndpoint, Backend, ReachableSlice } from "./backend.ts";

/** How each peer's services are reached, and whether they can be: what controllers know of networks. */
export interface PathSelection {
  /** A local endpoint as it travels to peers; undefined when no peer can dial it, whatever its backend. */
  advertise(endpoint: AddressedEndpoint): AddressedEndpoint | undefined;

  /** One slice of a peer's service as local clients must dial it over the path in use; undefined when there is none. */
  reach(peer: ClusterId, service: ServiceKey, slice: ReachableSlice): ReachableSlice | undefined;

  /** What probes say of the path in use: of that service, where it is pinned to another than its peer, or of the peer. */
  health(peer: ClusterId, service?: ServiceKey): PathHealth;

  /** The listener is told the peers for which anything above may be otherwise now. Returns the unsubscribe. */
  subscribe(listener: (peers: ReadonlySet<ClusterId>) => void): () => void;
}

/** `alive` and `dead` are proven by probes; `unknown`: nothing is measured, which proves neither. */
export type PathHealth = "alive" | "dead" | "unknown";

/** What people are told about paths. */
export interface PathStatuses {
  /** What `kubectl get peers` shows; undefined: nothing is known of this one. */
  status(peer: ClusterId): PeerStatus | undefined;

  /** Those of whom `status` tells something. */
  peers(): Iterable<ClusterId>;

  /** The listener is told peers with news; figures alone, as round trips, are none. Returns the unsubscribe. */
  subscribeStatus(listener: (peers: ReadonlySet<ClusterId>) => void): () => void;
}

/** One backend for every peer, never measured: what holds where no connectivity is configured. */
export function untestedSelection(backend: Pick<Backend, "advertise" | "reach">): PathSelection {
  return {
    advertise: (endpoint) => backend.advertise(endpoint),
    reach: (peer, service, slice) => backend.reach(peer, service, slice),
    health: () => "unknown",
    subscribe: () => () => undefined,
  };
}

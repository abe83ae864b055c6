import type { BackendName } from "./backend-name.ts";

/** What one member says about its network; the same in its row in the broker and in its peers' `Peer` objects. */
export interface NetworkFacts {
  /** Networks that the addresses of its endpoints lie in. */
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** One-to-one translations of pod networks into the member's own part of the clusterset's global addresses. */
  readonly globalPrefixes: readonly GlobalPrefix[];
  /** Global addresses of its nodes and gateways lie in these; disjoint from those above. */
  readonly nodePrefixes: readonly string[];
  /** What the member can do. */
  readonly backends: readonly BackendName[];
  /** `address:port` (IPv6 in brackets) of probe responders inside its pod network, for underlay and overlay-cni. */
  readonly responders: readonly string[];
  /** Gateways that are ready. */
  readonly gateways: readonly GatewayFact[];
  /** Where its proxies can be dialled; empty: they only dial out. */
  readonly proxies: readonly ProxyFact[];
  readonly overlay?: OverlayFact;
}

/** A pod network and what its addresses are in the rest of the clusterset: same family, same prefix length. */
export interface GlobalPrefix {
  readonly cidr: string;
  readonly global: string;
}

export interface GatewayFact {
  /** Name of the node it runs on. */
  readonly node: string;
  /** Addresses at which gateways of peers reach it, IPv4 and IPv6. */
  readonly endpoints: readonly string[];
  /** UDP port of the tunnel between clusters. */
  readonly port: number;
  /** Its own addresses inside the tunnel, in `nodePrefixes`. */
  readonly tunnelAddresses: readonly string[];
  /** WireGuard, base64 of 32 bytes; together with `wgPort`. */
  readonly publicKey?: string;
  readonly wgPort?: number;
}

export interface ProxyFact {
  /** `host:port`; IPv6 in brackets. */
  readonly endpoint: string;
}

/** A mesh between clusters that the CNI itself has. */
export interface OverlayFact {
  readonly mesh: string;
  /** The member's name in that mesh. */
  readonly id: string;
}

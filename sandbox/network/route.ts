import { type Cidr, containsAddress } from "../../api/network/cidr.ts";
import { parseIpAddress } from "../../api/network/ip-address.ts";
import type { HostPort } from "./loopback.ts";
import type { PeerRoute } from "./member-network-options.ts";

/** What the member's network is made of, as routing sees it. */
export interface Topology {
  readonly podCidrs: readonly Cidr[];
  readonly serviceCidrs: readonly Cidr[];
  readonly peers: readonly PeerRoute[];
}

export type Route =
  | { readonly kind: "local" }
  | { readonly kind: "peer"; readonly fabric: HostPort }
  | { readonly kind: "unreachable" };

/**
 * Where a packet goes once no Service claims its address. Our own addresses win over a peer's equal ones,
 * as they do on a real node: overlapping networks cannot be reached by routing.
 */
export function routePacket(address: string, topology: Topology): Route {
  const ip = parseIpAddress(address);
  if (!ip.ok) return { kind: "unreachable" };
  const isIn = (cidrs: readonly Cidr[]): boolean =>
    cidrs.some((cidr) => containsAddress(cidr, ip.value));
  if (isIn(topology.podCidrs)) return { kind: "local" };
  // ClusterIPs mean something in their own cluster only, so an unassigned one is nobody's.
  if (isIn(topology.serviceCidrs)) return { kind: "unreachable" };
  const peer = topology.peers.find((candidate) => isIn(candidate.cidrs));
  // Addresses that the process registered by itself may lie anywhere; others are unknown locally too.
  return peer === undefined ? { kind: "local" } : { kind: "peer", fabric: peer.fabric };
}

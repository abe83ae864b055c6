import { formatCidr } from "../../../api/network/cidr.ts";
import type { NftTable } from "./kernel-state.ts";
import { chain, type MarkedGateway, markChains } from "./mark-rules.ts";
import type { OwnNetwork, PeerNetwork } from "./networks.ts";
import { nodeNetworks } from "./node-networks.ts";
import type { Outer } from "./outer-paths.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";
import type { VxlanSettings } from "./settings.ts";
import {
  addressed,
  FAMILIES,
  outerChains,
  type TunnelEnds,
  unfollowedChain,
  WHOLE,
} from "./tunnel-rules.ts";

export const WAN_TABLE = "isthmus_wan";
/** Names of WireGuard devices begin with it. */
export const WIREGUARD_PREFIX = "isth-wg-";

export interface WanTableInput {
  readonly network: OwnNetwork;
  /** Name of the node this is for. */
  readonly node: string;
  readonly peers: readonly PeerNetwork[];
  readonly gateways: readonly MarkedGateway[];
  readonly outer: Outer;
  /** Devices to other clusters. */
  readonly wan: readonly string[];
  /** UDP port of the tunnel. */
  readonly port: number;
  readonly settings: VxlanSettings;
}

/** What changes on a gateway when peers or gateways come and go; what may pass is another table (`filter-table.ts`). */
export function wanTable({
  network,
  node,
  peers,
  gateways,
  outer,
  wan,
  port,
  settings,
}: WanTableInput): NftTable {
  const devices = deviceSet(wan);
  const tunnel = tunnelEnds(peers, outer, port);
  return {
    name: WAN_TABLE,
    body: [
      ...truthChains({ network, node, peers, tunnel, wan, settings }),
      unfollowedChain(tunnel),
      ...markChains(devices, gateways, settings),
      ownAddressesChain(network, devices),
      ...(outer.encrypted === undefined ? [] : keyChains(port)),
    ].join("\n"),
  };
}

/** Out of WireGuard comes the tunnel, and what is said of its packets on the way; it is no way to the machine or through it. */
function keyChains(port: number): readonly string[] {
  const device = `iifname "${WIREGUARD_PREFIX}*"`;
  return [
    chain("keys_in", "type filter hook input priority filter - 5; policy accept;", [
      `${device} udp dport ${port} accept`,
      `${device} icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept`,
      `${device} counter drop`,
    ]),
    chain("keys_through", "type filter hook forward priority filter - 5; policy accept;", [
      `${device} counter drop`,
    ]),
  ];
}

/** The tunnel's ends as outer packets name them. */
function tunnelEnds(
  peers: readonly PeerNetwork[],
  { local, encrypted }: Outer,
  port: number,
): TunnelEnds {
  const gateways = peers.flatMap((peer) => peer.gateways);
  const ports = { port, otherPorts: gateways.map((gateway) => gateway.port) };
  return encrypted === undefined
    ? { ...ports, own: local, others: gateways.flatMap(({ endpoints }) => endpoints) }
    : {
        ...ports,
        own: encrypted.routes.map(({ source }) => source),
        others: [...encrypted.addresses.values()],
        over: `iifname "${WIREGUARD_PREFIX}*"`,
      };
}

interface TruthInput
  extends Pick<WanTableInput, "network" | "node" | "peers" | "wan" | "settings"> {
  readonly tunnel: TunnelEnds;
}

/**
 * Packets from peers come from addresses that are theirs, for addresses that are ours: before translation (-450), at both ends.
 *
 * TCP that only passes through, from nodes to peers or from peers to other nodes, is not followed by conntrack: what may pass is told
 * without it, and where a connection comes by one gateway and its answers go by another, conntrack would take them for invalid.
 */
function truthChains({
  network,
  node,
  peers,
  tunnel,
  wan,
  settings,
}: TruthInput): readonly string[] {
  const theirs = peers.flatMap((peer) => peer.prefixes);
  const elsewhere = nodeNetworks(network.nodes, network.maps)
    .filter((each) => each.node !== node)
    .map(({ global }) => global);
  const passing = (destinations: readonly string[]): readonly string[] =>
    FAMILIES.flatMap((family) => {
      const to = anonymousSet(destinations, family);
      return to === undefined
        ? []
        : [`meta l4proto tcp ${family} daddr ${to} ${WHOLE[family]} notrack`];
    });
  const lies = FAMILIES.flatMap((family) => {
    const from = anonymousSet(theirs, family);
    const to = anonymousSet(network.prefixes, family);
    if (from === undefined || to === undefined) {
      return [`meta nfproto ${family === "ip" ? "ipv4" : "ipv6"} counter drop`];
    }
    return [`${family} saddr != ${from} counter drop`, `${family} daddr != ${to} counter drop`];
  });
  const fromPeers = `iifname ${deviceSet(wan)} goto from_peers`;
  const pods = network.maps.map(({ from }) => formatCidr(from));
  const outer = outerChains(tunnel);
  return [
    ...outer.chains,
    chain("from_peers", "", [...lies, ...passing(elsewhere)]),
    chain("from_nodes", "", passing(theirs)),
    chain("from_ours", "", [`iifname "${settings.nodeDevice}" goto from_nodes`, fromPeers]),
    chain("truth", "type filter hook prerouting priority -460; policy accept;", [
      outer.rule,
      // Pods that their node does not know come as they are.
      ...addressed("saddr", [...network.prefixes, ...pods], "from_ours"),
      fromPeers,
    ]),
  ];
}

/** What leaves has one of our global addresses: no other address of this cluster is anybody's business. */
function ownAddressesChain({ prefixes }: OwnNetwork, devices: string): string {
  const foreign = FAMILIES.map((family) => {
    const own = anonymousSet(prefixes, family);
    return own === undefined
      ? `meta nfproto ${family === "ip" ? "ipv4" : "ipv6"}`
      : `${family} saddr != ${own}`;
  });
  return chain(
    "own_addresses",
    "type filter hook postrouting priority srcnat + 200; policy accept;",
    [`oifname != ${devices} accept`, ...foreign.map((each) => `${each} counter drop`)],
  );
}

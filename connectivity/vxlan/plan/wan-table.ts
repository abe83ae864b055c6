import type { NftTable } from "./kernel-state.ts";
import { chain, type MarkedGateway, markChains } from "./mark-rules.ts";
import type { OwnNetwork, PeerNetwork } from "./networks.ts";
import { clampChain, guardChain } from "./node-table.ts";
import type { Outer } from "./outer-paths.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";
import { type VxlanSettings, wanDevices } from "./settings.ts";

export const WAN_TABLE = "isthmus_wan";
/** Names of WireGuard devices begin with it. */
export const WIREGUARD_PREFIX = "isth-wg-";

export interface WanTableInput {
  readonly network: OwnNetwork;
  readonly peers: readonly PeerNetwork[];
  readonly gateways: readonly MarkedGateway[];
  readonly outer: Outer;
  /** UDP port of the tunnel. */
  readonly port: number;
  readonly settings: VxlanSettings;
}

/** What changes on a gateway when peers or gateways come and go; what may pass is another table (`filter-table.ts`). */
export function wanTable({
  network,
  peers,
  gateways,
  outer,
  port,
  settings,
}: WanTableInput): NftTable {
  const devices = deviceSet(wanDevices(settings));
  const endpoints = peers.flatMap((peer) => peer.gateways.flatMap((gateway) => gateway.endpoints));
  const guard =
    outer.encrypted === undefined
      ? guardChain(port, endpoints)
      : guardChain(port, [], `iifname != "${WIREGUARD_PREFIX}*" `);
  return {
    name: WAN_TABLE,
    body: [
      guard,
      truthChain(network, peers, devices),
      ...markChains(devices, gateways, settings),
      clampChain(devices),
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

/** Packets from peers come from addresses that are theirs, for addresses that are ours: before translation, at both ends. */
function truthChain(
  { prefixes }: OwnNetwork,
  peers: readonly PeerNetwork[],
  devices: string,
): string {
  const theirs = peers.flatMap((peer) => peer.prefixes);
  const rules = (["ip", "ip6"] as const).flatMap((family) => {
    const from = anonymousSet(theirs, family);
    const to = anonymousSet(prefixes, family);
    if (from === undefined || to === undefined) {
      return [`iifname ${devices} meta nfproto ${family === "ip" ? "ipv4" : "ipv6"} counter drop`];
    }
    return [
      `iifname ${devices} ${family} saddr != ${from} counter drop`,
      `iifname ${devices} ${family} daddr != ${to} counter drop`,
    ];
  });
  return chain("truth", "type filter hook prerouting priority raw - 20; policy accept;", rules);
}

/** What leaves has one of our global addresses: no other address of this cluster is anybody's business. */
function ownAddressesChain({ prefixes }: OwnNetwork, devices: string): string {
  const rules = (["ip", "ip6"] as const).map((family) => {
    const own = anonymousSet(prefixes, family);
    const foreign =
      own === undefined
        ? `meta nfproto ${family === "ip" ? "ipv4" : "ipv6"}`
        : `${family} saddr != ${own}`;
    return `oifname ${devices} ${foreign} counter drop`;
  });
  return chain(
    "own_addresses",
    "type filter hook postrouting priority srcnat + 200; policy accept;",
    rules,
  );
}

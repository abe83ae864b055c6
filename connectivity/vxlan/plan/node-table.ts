import { invertPrefixMap, type PrefixMap, parsePrefixMap } from "../../network/map-prefix.ts";
import type { NftTable } from "./kernel-state.ts";
import { chain, type MarkedGateway, markChains } from "./mark-rules.ts";
import type { OwnNetwork } from "./networks.ts";
import { nodeNetworks } from "./node-networks.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";
import { tunnelDevices, type VxlanSettings, wanDevices } from "./settings.ts";
import { rewriteRule } from "./translation-rules.ts";

export const NODE_TABLE = "isthmus_node";

/** What `nft` does on every node: translation, the way back, MSS, and nobody but nodes at the tunnel's port. */
export function nodeTable(
  network: OwnNetwork,
  node: string,
  gateways: readonly MarkedGateway[],
  settings: VxlanSettings,
): NftTable {
  const inner = deviceSet([settings.nodeDevice]);
  const chains = [
    guardChain(
      settings.nodePort,
      network.nodes.flatMap(({ internalIps }) => internalIps),
    ),
    wholeProbesChain(deviceSet(tunnelDevices(settings)), settings.probePort),
    arriveChain(network, node, settings),
    ...markChains(inner, gateways, settings),
    clampChain(inner),
    leaveChain(network, node, settings),
    ...ownAddressChain(network, node, settings),
  ];
  return { name: NODE_TABLE, body: chains.join("\n") };
}

/** Packets of the tunnel are taken from those who take part, and from nobody else. */
export function guardChain(port: number, senders: readonly string[], exceptFrom = ""): string {
  return chain("guard", "type filter hook input priority filter - 5; policy accept;", [
    ...(["ip", "ip6"] as const).map((family) => {
      const known = anonymousSet(senders, family);
      const stranger =
        known === undefined
          ? `meta nfproto ${family === "ip" ? "ipv4" : "ipv6"}`
          : `${family} saddr != ${known}`;
      return `${exceptFrom}udp dport ${port} ${stranger} counter drop`;
    }),
  ]);
}

/**
 * A probe that was cut into fragments on its way is dropped (its first fragment is, before defragmentation at -400), so
 * that the largest one that is answered tells what the path carries in one piece.
 */
export function wholeProbesChain(devices: string, probePort: number): string {
  return chain("whole_probes", "type filter hook prerouting priority -450; policy accept;", [
    ...["udp dport", "udp sport"].flatMap((port) => [
      `iifname ${devices} ip frag-off & 0x2000 != 0 ${port} ${probePort} drop`,
      `iifname ${devices} exthdr frag exists ${port} ${probePort} drop`,
    ]),
  ]);
}

/** Routes have the measured MTU: no side of a TCP connection sends segments that would not fit into it (RFC 9293 section 3.7.1). */
export function clampChain(devices: string): string {
  const clamp = "tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu";
  return chain("clamp", "type filter hook forward priority filter - 10; policy accept;", [
    `oifname ${devices} ${clamp}`,
    `iifname ${devices} ${clamp}`,
  ]);
}

function arriveChain({ maps, nodes }: OwnNetwork, node: string, settings: VxlanSettings): string {
  // On a gateway, packets for pods of other nodes pass as they are: the pod's node translates, as it does back.
  const elsewhere = nodeNetworks(nodes, maps)
    .filter((network) => network.node !== node)
    .map(({ global }) => global);
  const devices = deviceSet(tunnelDevices(settings));
  const rules = maps.map((map) => {
    const family = map.from.family === "IPv6" ? "ip6" : "ip";
    const others = anonymousSet(elsewhere, family);
    const here = others === undefined ? "" : `${family} daddr != ${others} `;
    return rewriteRule("daddr", `iifname ${devices} ${here}`, invertPrefixMap(map));
  });
  return chain("arrive", "type filter hook prerouting priority raw - 10; policy accept;", rules);
}

function leaveChain({ maps, nodes }: OwnNetwork, node: string, settings: VxlanSettings): string {
  const own = nodeNetworks(nodes, maps).filter((network) => network.node === node);
  const rules = [
    ...own.flatMap(({ pods, global }) => {
      const map = parsePrefixMap(pods, global);
      return map.ok ? [leaveRule([settings.nodeDevice], map.value)] : [];
    }),
    // Whatever a node did not translate, since nobody knows which pods are its own, a gateway does.
    ...maps.map((map) => leaveRule(wanDevices(settings), map)),
  ];
  // Ahead of source NAT (100): a CNI's rule that masquerades what leaves its pod network does not meet a pod's address any more.
  return chain("leave", "type filter hook postrouting priority srcnat - 10; policy accept;", rules);
}

function leaveRule(devices: readonly string[], map: PrefixMap): string {
  return rewriteRule("saddr", `oifname ${deviceSet(devices)} `, map);
}

/** What the node itself sends to a peer, as by way of a ClusterIP, has the node's global address whatever address it was sent with. */
function ownAddressChain(
  { nodes, prefixes }: OwnNetwork,
  node: string,
  settings: VxlanSettings,
): readonly string[] {
  const own = nodes.find(({ name }) => name === node)?.globalAddresses ?? [];
  const devices = deviceSet(tunnelDevices(settings));
  const rules = own.flatMap((address) => {
    const family = address.includes(":") ? "ip6" : "ip";
    const global = anonymousSet(prefixes, family);
    const foreign = global === undefined ? "" : `${family} saddr != ${global} `;
    return [`oifname ${devices} fib saddr type local ${foreign}snat ${family} to ${address}`];
  });
  if (rules.length === 0) return [];
  return [
    chain("own_address", "type nat hook postrouting priority srcnat - 5; policy accept;", rules),
  ];
}

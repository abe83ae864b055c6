import { formatCidr } from "../../../api/network/cidr.ts";
import { invertPrefixMap, parsePrefixMap } from "../../network/map-prefix.ts";
import type { NftTable } from "./kernel-state.ts";
import { chain, type MarkedGateway, markChains } from "./mark-rules.ts";
import type { OwnNetwork } from "./networks.ts";
import { nodeNetworks } from "./node-networks.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";
import { tunnelDevices, type VxlanSettings, wanDevices } from "./settings.ts";
import { rewriteRule } from "./translation-rules.ts";
import {
  addressed,
  clampChains,
  cutProbes,
  FAMILIES,
  outerChains,
  ruleFamilies,
  type TunnelEnds,
  unfollowedChain,
} from "./tunnel-rules.ts";

export const NODE_TABLE = "isthmus_node";

/** What `nft` does on every node: translation, the way back, MSS, and nobody but nodes at the tunnel's port. */
export function nodeTable(
  network: OwnNetwork,
  node: string,
  gateways: readonly MarkedGateway[],
  settings: VxlanSettings,
): NftTable {
  const tunnel: TunnelEnds = {
    port: settings.nodePort,
    otherPorts: [settings.nodePort],
    own: network.nodes.find(({ name }) => name === node)?.internalIps ?? [],
    others: network.nodes.flatMap(({ internalIps }) => internalIps),
  };
  const chains = [
    ...arriveChains(network, node, tunnel, settings),
    unfollowedChain(tunnel),
    ...markChains(deviceSet([settings.nodeDevice]), gateways, settings),
    ...clampChains(deviceSet(tunnelDevices(settings))),
    ...leaveChains(network, node, settings),
    ...ownAddressChain(network, node, settings),
  ];
  return { name: NODE_TABLE, body: chains.join("\n") };
}

/**
 * Before conntrack puts pieces of packets together (-400): only whole packets may go unfollowed, and each piece is translated for
 * itself, of which only the first has the checksum that changes with it.
 */
function arriveChains(
  { maps, nodes, prefixes }: OwnNetwork,
  node: string,
  tunnel: TunnelEnds,
  settings: VxlanSettings,
): readonly string[] {
  // On a gateway, packets for pods of other nodes pass as they are: the pod's node translates, as it does back.
  const elsewhere = nodeNetworks(nodes, maps)
    .filter((network) => network.node !== node)
    .map(({ global }) => global);
  const outer = outerChains(tunnel);
  const cut = cutProbes(ruleFamilies(prefixes), settings.probePort);
  return [
    ...outer.chains,
    ...cut.chains,
    chain("arrived", "", [
      `iifname != ${deviceSet(tunnelDevices(settings))} accept`,
      ...cut.rules,
      ...FAMILIES.flatMap((family) => {
        const others = anonymousSet(elsewhere, family);
        return others === undefined ? [] : [`${family} daddr ${others} accept`];
      }),
      ...maps.map((map) => rewriteRule("daddr", invertPrefixMap(map))),
    ]),
    chain("arrive", "type filter hook prerouting priority -450; policy accept;", [
      outer.rule,
      ...addressed("daddr", prefixes, "arrived"),
    ]),
  ];
}

/** Ahead of source NAT (100): a CNI's rule that masquerades what leaves its pod network does not meet a pod's address any more. */
function leaveChains(
  { maps, nodes }: OwnNetwork,
  node: string,
  settings: VxlanSettings,
): readonly string[] {
  const own = nodeNetworks(nodes, maps).filter((network) => network.node === node);
  const ways = [
    `"${settings.nodeDevice}" : goto leave_to_nodes`,
    ...wanDevices(settings).map((device) => `"${device}" : goto leave_to_peers`),
  ];
  return [
    chain(
      "leave_to_nodes",
      "",
      own.flatMap(({ pods, global }) => {
        const map = parsePrefixMap(pods, global);
        return map.ok ? [rewriteRule("saddr", map.value)] : [];
      }),
    ),
    // Whatever a node did not translate, since nobody knows which pods are its own, a gateway does.
    chain(
      "leave_to_peers",
      "",
      maps.map((map) => rewriteRule("saddr", map)),
    ),
    chain("leaving", "", [`oifname vmap { ${ways.join(", ")} }`]),
    chain(
      "leave",
      "type filter hook postrouting priority srcnat - 10; policy accept;",
      addressed(
        "saddr",
        maps.map(({ from }) => formatCidr(from)),
        "leaving",
      ),
    ),
  ];
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

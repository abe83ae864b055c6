import { formatCidr } from "../../../api/network/cidr.ts";
import type { FilterSet } from "./filter-table.ts";
import type { NftTable } from "./kernel-state.ts";
import { chain } from "./mark-rules.ts";
import type { OwnNetwork } from "./networks.ts";
import { nodeNetworks } from "./node-networks.ts";
import type { RemoteGateway } from "./outer-paths.ts";
import type { PeerPaths } from "./plan.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";
import type { VxlanSettings } from "./settings.ts";
import { FAMILIES, type RuleFamily } from "./tunnel-rules.ts";
import { isV6, ofFamily } from "./underlay-family.ts";

export const SHORTCUT_TABLE = "isthmus_shortcut";
/** Sets of the filter that it holds too: tables of nft see their own alone. */
export const SHORTCUT_SETS = [
  "exported4",
  "exported6",
  "imported4",
  "imported6",
] as const satisfies readonly FilterSet[];

/** Networks whose packets are spread over several gateways: each is a rule that packets of the others meet first. */
const SPREAD_MAX = 32;
/** A flow takes the same gateway whenever the table is replaced. */
const SEED = "0x1571";

export interface ShortcutInput {
  readonly network: OwnNetwork;
  /** Name of the node this is for. */
  readonly node: string;
  readonly peers: readonly PeerPaths[];
  readonly remotes: readonly RemoteGateway[];
  /** Devices to other clusters that are there. */
  readonly wan: readonly string[];
  readonly settings: Pick<VxlanSettings, "nodeDevice">;
}

/**
 * TCP that only passes a gateway, from a node to a peer or from a peer to another node, where it comes out of one tunnel: straight into
 * the other, past routing and every hook of IP (docs/decisions/0012). It opens nothing: segments of connections alone that the filter
 * (`filter-table.ts`) lets pass by the same sets, from and to the addresses that its neighbours hold them to. Whatever else comes, the first
 * segment of each connection among it, goes its usual way; so does all when there is no such table. Undefined when nothing could take it.
 */
export function shortcutTable(input: ShortcutInput): NftTable | undefined {
  const { wan, settings } = input;
  const families = FAMILIES.filter((family) => waysToNodes(input, family).length > 0);
  const toPeers = families.map((family) => waysToPeers(input, family));
  if (wan.length === 0 || toPeers.flat().length === 0) return undefined;
  const theirs = input.peers.flatMap((peer) => peer.maps.map(({ to }) => formatCidr(to)));
  const ours = input.network.maps.map(({ to }) => formatCidr(to));
  const body = [
    ...SHORTCUT_SETS.map((name) => `set ${name} { type ${setType(name)}; }`),
    ...families.flatMap((family, index) => [
      chain(`to_peers_${family}`, "", toPeers[index] ?? []),
      chain(`to_nodes_${family}`, "", waysToNodes(input, family)),
      chain(`from_nodes_${family}`, "", passing(family, ours, "imported", "exported", "to_peers")),
      chain(
        `from_peers_${family}`,
        "",
        passing(family, theirs, "exported", "imported", "to_nodes"),
      ),
    ]),
    baseChain("from_nodes", deviceSet([settings.nodeDevice]), families),
    baseChain("from_peers", `{ ${wan.map((device) => `"${device}"`).join(", ")} }`, families),
  ];
  return { name: SHORTCUT_TABLE, body: body.join("\n") };
}

/** Also before conntrack and translation of the machine, which are for what does not only pass. */
function baseChain(name: string, devices: string, families: readonly RuleFamily[]): string {
  const hook = devices.startsWith("{") ? `devices = ${devices}` : `device ${devices}`;
  return chain(name, `type filter hook ingress ${hook} priority filter; policy accept;`, [
    ...families.map((family) => `meta protocol ${family} goto ${name}_${family}`),
  ]);
}

/** Of TCP: no piece of a packet, nothing that ends here for its age, and no bare or answered SYN, whose sizes are still to be mended. */
const SEGMENT: Readonly<Record<RuleFamily, string>> = {
  ip: "ip protocol tcp ip frag-off & 0x3fff == 0 ip ttl > 1 tcp flags & syn == 0",
  ip6: "ip6 nexthdr tcp ip6 hoplimit > 1 tcp flags & syn == 0",
};

function passing(
  family: RuleFamily,
  senders: readonly string[],
  asked: "exported" | "imported",
  answering: "exported" | "imported",
  way: string,
): readonly string[] {
  const from = anonymousSet(senders, family);
  if (from === undefined) return [];
  const digit = family === "ip6" ? "6" : "4";
  const protocol = family === "ip6" ? "ip6 nexthdr" : "ip protocol";
  const segment = `${SEGMENT[family]} ${family} saddr ${from}`;
  return [
    `${segment} ${family} daddr . ${protocol} . th dport @${asked}${digit} goto ${way}_${family}`,
    `${segment} ${family} saddr . ${protocol} . th sport @${answering}${digit} goto ${way}_${family}`,
  ];
}

/** To the pods of other nodes; their own nodes translate. */
function waysToNodes(
  { network, node, settings }: ShortcutInput,
  family: RuleFamily,
): readonly string[] {
  const ways = nodeNetworks(network.nodes, network.maps).flatMap(({ node: name, global }) => {
    const addresses = network.nodes.find((each) => each.name === name)?.globalAddresses ?? [];
    const via = ofFamily(addresses, family === "ip6");
    return name === node || via === undefined || isV6(global) !== (family === "ip6")
      ? []
      : [`${global} : ${via}`];
  });
  return forward(family, ways, settings.nodeDevice);
}

/** To the pods of peers through the gateways in use; of several the one that address and ports choose. */
function waysToPeers({ peers, remotes }: ShortcutInput, family: RuleFamily): readonly string[] {
  const byName = new Map(remotes.map((remote) => [remote.name, remote]));
  const single = new Map<string, string[]>();
  const spread: string[] = [];
  for (const { through, maps } of peers) {
    const hops = through.flatMap((name) => byName.get(name) ?? []);
    const links = [...new Set(hops.map(({ link }) => link))];
    const vias = hops.flatMap((hop) => ofFamily(hop.tunnelAddresses, family === "ip6") ?? []);
    const [link, ...otherLinks] = links;
    // One device for a rule: where gateways are reached over different families, routing chooses.
    if (link === undefined || otherLinks.length > 0 || vias.length !== hops.length) continue;
    for (const { to } of maps) {
      const destination = formatCidr(to);
      if (isV6(destination) !== (family === "ip6")) continue;
      const [via, ...others] = vias;
      if (others.length === 0) {
        single.set(link, [...(single.get(link) ?? []), `${destination} : ${via}`]);
      } else if (spread.length < SPREAD_MAX) {
        const choices = vias.map((each, index) => `${index} : ${each}`).join(", ");
        const flow = `jhash ${family} saddr . th sport . th dport mod ${vias.length} seed ${SEED}`;
        spread.push(
          `${family} daddr ${destination} fwd ${family} to ${flow} map { ${choices} } device "${link}"`,
        );
      }
    }
  }
  return [...spread, ...[...single].flatMap(([link, ways]) => forward(family, ways, link))];
}

function forward(family: RuleFamily, ways: readonly string[], link: string): readonly string[] {
  if (ways.length === 0) return [];
  return [`fwd ${family} to ${family} daddr map { ${ways.join(", ")} } device "${link}"`];
}

function setType(name: (typeof SHORTCUT_SETS)[number]): string {
  return `${name.endsWith("6") ? "ipv6_addr" : "ipv4_addr"} . inet_proto . inet_service`;
}

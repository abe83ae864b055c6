import { hardwareAddress } from "./hardware-address.ts";
import type { Link, Route, Rule } from "./kernel-state.ts";
import { type NeighborHops, neighborHops, neighborsOf, underlayIsV6 } from "./neighbors.ts";
import type { OwnNetwork } from "./networks.ts";
import { nodeNetworks } from "./node-networks.ts";
import { nodeTable as nodeNftTable } from "./node-table.ts";
import { peerRoutes } from "./peer-routes.ts";
import type { PeerPaths, Plan, PlanSlots } from "./plan.ts";
import { SLOTS_MAX } from "./plan-ids.ts";
import { nodeTable, REMOTE_SLOT_FIRST, rulePriorities } from "./route-tables.ts";
import { families, forwardingSysctls, looseReversePath, markRules } from "./rules-and-sysctls.ts";
import type { VxlanSettings } from "./settings.ts";
import { assignSlots } from "./slots.ts";
import { isV6, ofFamily, tunnelSize } from "./underlay-family.ts";

export interface NodePlanInput {
  readonly network: OwnNetwork;
  /** Name of the node this is for. */
  readonly node: string;
  readonly peers: readonly PeerPaths[];
  /** Of the link that packets between nodes leave by, bytes. */
  readonly outerMtu: number;
  /** Of the plan before. */
  readonly slots: PlanSlots;
  readonly settings: VxlanSettings;
}

/**
 * Everything a node has in its kernel so that its pods reach peers and are reached, except what gateways have besides.
 * Undefined while the node has no global address, or none that the other nodes can send to.
 */
export function planNode(input: NodePlanInput): Plan | undefined {
  const { network, node, peers, settings } = input;
  const own = network.nodes.find(({ name }) => name === node);
  const v6 = underlayIsV6(network.nodes);
  const local = ofFamily(own?.internalIps ?? [], v6);
  const sources = own?.globalAddresses ?? [];
  const [firstSource] = sources;
  if (local === undefined || firstSource === undefined) return undefined;
  const neighbors = neighborsOf(network.nodes, node, v6);
  const slots = slotsFor(input, neighbors);
  const hops = neighborHops(neighbors, new Map([...slots.nodes, ...slots.gateways]), settings);
  const link: Link = {
    name: settings.nodeDevice,
    vni: settings.nodeVni,
    port: settings.nodePort,
    local,
    mac: hardwareAddress("node", firstSource),
    ...tunnelSize(input.outerMtu, v6, sources),
  };
  const toPeers = peerRoutes({
    peers,
    owner: "node-agent",
    table: nodeTable(settings),
    slots,
    sources,
    deviceMtu: link.mtu,
    idFor: (name, network) => hops.idFor(name, network),
    whenNone: "unreachable",
    settings,
  });
  const marked = neighbors.flatMap(({ name, mac }) => {
    const slot = slots.gateways.get(name);
    return slot === undefined ? [] : [{ slot, mac }];
  });
  return {
    slots,
    sysctls: [...forwardingSysctls(sources), looseReversePath(link.name)],
    tables: [nodeNftTable(network, node, marked, settings)],
    kernel: {
      links: [link],
      addresses: sources.map((address) => ({ link: link.name, address })),
      neighbours: neighbors.flatMap(({ globalAddresses, mac }) =>
        globalAddresses.map((address) => ({ link: link.name, address, mac })),
      ),
      forwarding: neighbors.map(({ mac, outer }) => ({ link: link.name, mac, remote: outer })),
      queues: [],
      classes: [],
      nexthops: hops.nexthops,
      groups: toPeers.groups,
      routes: [...nodeRoutes(input, sources, hops), ...toPeers.routes],
      rules: [
        ...marked.flatMap(({ slot }) => markRules(slot, sources, settings)),
        ...families(sources).map(
          (family): Rule => ({
            family,
            priority: rulePriorities(settings).node,
            table: nodeTable(settings),
          }),
        ),
      ],
    },
  };
}

function slotsFor(
  { network, peers, slots: before }: NodePlanInput,
  neighbors: readonly { readonly name: string }[],
): PlanSlots {
  const isGateway = new Set(network.gateways.map(({ node }) => node));
  const names = neighbors.map(({ name }) => name);
  const gateways = assignSlots(
    names.filter((name) => isGateway.has(name)),
    before.gateways,
    { first: 1, last: REMOTE_SLOT_FIRST - 1 },
  );
  return {
    gateways,
    nodes: assignSlots(
      names.filter((name) => !gateways.has(name)),
      before.nodes,
      { first: REMOTE_SLOT_FIRST, last: 4_999 },
    ),
    peers: assignSlots(
      peers.map(({ cluster }) => cluster),
      before.peers,
      { first: 0, last: SLOTS_MAX },
    ),
  };
}

/** To the other nodes themselves and to their pods, under global addresses: what a gateway sends on to them. */
function nodeRoutes(
  { network, node, settings }: NodePlanInput,
  sources: readonly string[],
  hops: NeighborHops,
): readonly Route[] {
  const addresses = [
    ...network.nodes.map(({ name, globalAddresses }) => ({ name, own: globalAddresses })),
    // What a gateway itself has asked may be answered through another one.
    ...network.gateways.map(({ node: name, tunnelAddresses }) => ({ name, own: tunnelAddresses })),
  ].flatMap(({ name, own }) =>
    own.map((address) => ({ name, destination: `${address}/${isV6(address) ? 128 : 32}` })),
  );
  const destinations = [
    ...new Map(addresses.map((each) => [each.destination, each])).values(),
    ...nodeNetworks(network.nodes, network.maps).map(({ node: name, global }) => ({
      name,
      destination: global,
    })),
  ];
  return destinations.flatMap(({ name, destination }) => {
    const id = name === node ? undefined : hops.idFor(name, destination);
    if (id === undefined) return [];
    const source = ofFamily(sources, isV6(destination));
    return [
      {
        table: nodeTable(settings),
        destination,
        target: { kind: "nexthop" as const, id },
        ...(source !== undefined && { source }),
      },
    ];
  });
}

import { filterTable } from "./filter-table.ts";
import { hardwareAddress } from "./hardware-address.ts";
import type { Nexthop, Route, Rule } from "./kernel-state.ts";
import type { OwnGateway, OwnNetwork } from "./networks.ts";
import {
  type Outer,
  possibleWanDevices,
  type RemoteGateway,
  remoteGateways,
  wanLinks,
} from "./outer-paths.ts";
import { peerRoutes } from "./peer-routes.ts";
import type { PeerPaths, Plan, PlanSlots } from "./plan.ts";
import { nexthopId, SLOTS_MAX } from "./plan-ids.ts";
import {
  deadEndTable,
  lastMarkedSlot,
  REMOTE_SLOT_FIRST,
  rulePriorities,
  wanTable as wanRoutes,
} from "./route-tables.ts";
import { families, forwardingSysctls, looseReversePath, markRules } from "./rules-and-sysctls.ts";
import { type VxlanSettings } from "./settings.ts";
import { shortcutTable } from "./shortcut-table.ts";
import { assignSlots } from "./slots.ts";
import { isV6, MTU_MIN_V6, ofFamily } from "./underlay-family.ts";
import { wanTable } from "./wan-table.ts";

export interface GatewayPlanInput {
  readonly network: OwnNetwork;
  /** Name of the node this is for. */
  readonly node: string;
  /** `through`: names of the peer's gateways as `gatewayName` makes them. */
  readonly peers: readonly PeerPaths[];
  readonly outer: Outer;
  /** Of the plan before. */
  readonly slots: PlanSlots;
  readonly settings: VxlanSettings;
}

/**
 * Everything a gateway has in its kernel besides what every node has. Undefined while the node is not chosen as a gateway,
 * or has no address in the tunnel.
 */
export function planGateway(input: GatewayPlanInput): Plan | undefined {
  const { network, node, peers, outer, settings } = input;
  const own = network.gateways.find((gateway) => gateway.node === node);
  if (own === undefined || own.tunnelAddresses.length === 0) return undefined;
  const remotes = remoteGateways(peers, outer, settings);
  const slots = slotsFor(input, remotes);
  const links = wanLinks(remotes, outer, own, isTooSmallForV6(own, peers), settings);
  const hops = remoteHops(remotes, slots, own, settings);
  const marked = remotes.flatMap(({ name, tunnelAddresses: [address = ""] }) => {
    const slot = slots.gateways.get(name);
    if (slot === undefined || slot > lastMarkedSlot(settings)) return [];
    return [{ name, slot, mac: hardwareAddress("wan", address) }];
  });
  const toPeers = peerRoutes({
    peers,
    owner: "gateway",
    table: wanRoutes(settings),
    slots: { ...slots, gateways: new Map(marked.map(({ name, slot }) => [name, slot])) },
    sources: own.tunnelAddresses,
    deviceMtu: Math.min(...links.map(({ mtu }) => mtu)),
    idFor: hops.idFor,
    whenNone: undefined,
    settings,
  });
  const wan = possibleWanDevices(outer, settings);
  const ownFamilies = families(own.tunnelAddresses);
  const priorities = rulePriorities(settings);
  const shortcut = shortcutTable({
    ...{ network, node, peers, remotes, settings },
    wan: links.map(({ name }) => name),
  });
  return {
    slots,
    sysctls: [
      ...forwardingSysctls(own.tunnelAddresses),
      ...links.map(({ name }) => looseReversePath(name)),
    ],
    tables: [
      // What may pass is there before anything can.
      filterTable(own, wan, settings),
      wanTable({ network, node, peers, gateways: marked, outer, wan, port: own.port, settings }),
    ],
    ...(shortcut !== undefined && { shortcut }),
    kernel: {
      links,
      addresses: links.flatMap(({ name }) =>
        own.tunnelAddresses.map((address) => ({ link: name, address })),
      ),
      neighbours: remotes.flatMap(({ link, tunnelAddresses }) => {
        const mac = hardwareAddress("wan", tunnelAddresses[0] ?? "");
        return tunnelAddresses.map((address) => ({ link, address, mac }));
      }),
      forwarding: remotes.map(({ link, tunnelAddresses, remote, port }) => ({
        link,
        mac: hardwareAddress("wan", tunnelAddresses[0] ?? ""),
        remote,
        ...(port !== own.port && { port }),
      })),
      queues: [],
      classes: [],
      nexthops: hops.nexthops,
      groups: toPeers.groups,
      routes: [
        ...toPeers.routes,
        ...hops.routes,
        ...deadEnds(peers, settings),
        ...keyRoutes(outer, settings),
      ],
      rules: [
        ...marked.flatMap(({ slot }) => markRules(slot, own.tunnelAddresses, settings)),
        // Inside WireGuard gateways have IPv6 addresses, whatever packets have.
        ...families([...own.tunnelAddresses, ...(outer.encrypted === undefined ? [] : ["::"])]).map(
          (family): Rule => ({ family, priority: priorities.wan, table: wanRoutes(settings) }),
        ),
        ...ownFamilies.map(
          (family): Rule => ({
            family,
            priority: priorities.deadEnd,
            table: deadEndTable(settings),
            fromLink: settings.nodeDevice,
          }),
        ),
      ],
    },
  };
}

/** A measured path is smaller than IPv6 allows: its packets have to be cut, outside, on all paths of the device. */
function isTooSmallForV6({ tunnelAddresses }: OwnGateway, peers: readonly PeerPaths[]): boolean {
  return (
    tunnelAddresses.some(isV6) && peers.some(({ mtu }) => mtu !== undefined && mtu < MTU_MIN_V6)
  );
}

function slotsFor(
  { peers, slots: before }: GatewayPlanInput,
  remotes: readonly RemoteGateway[],
): PlanSlots {
  return {
    gateways: assignSlots(
      remotes.map(({ name }) => name),
      before.gateways,
      { first: REMOTE_SLOT_FIRST, last: SLOTS_MAX },
    ),
    nodes: new Map(),
    peers: assignSlots(
      peers.map(({ cluster }) => cluster),
      before.peers,
      { first: 0, last: SLOTS_MAX },
    ),
  };
}

/** Nexthops to the remote gateways, and a route to each of their own addresses: a probe of one must not reach another. */
function remoteHops(
  remotes: readonly RemoteGateway[],
  { gateways }: PlanSlots,
  own: OwnGateway,
  settings: VxlanSettings,
) {
  const hops = remotes.flatMap(({ name, link, tunnelAddresses }) => {
    const slot = gateways.get(name);
    if (slot === undefined) return [];
    return tunnelAddresses.map((via) => ({
      name,
      hop: { id: nexthopId(settings, "gateway", slot, via), link, via } satisfies Nexthop,
    }));
  });
  const routes = hops.map(({ hop: { id, via } }): Route => {
    const source = ofFamily(own.tunnelAddresses, isV6(via));
    return {
      table: wanRoutes(settings),
      destination: `${via}/${isV6(via) ? 128 : 32}`,
      target: { kind: "nexthop", id },
      ...(source !== undefined && { source }),
    };
  });
  const ids = new Map(hops.map(({ name, hop }) => [`${name} ${isV6(hop.via)}`, hop.id]));
  return {
    nexthops: hops.map(({ hop }) => hop),
    routes,
    idFor: (name: string, network: string) => ids.get(`${name} ${isV6(network)}`),
  };
}

function keyRoutes({ encrypted }: Outer, settings: VxlanSettings): readonly Route[] {
  return (encrypted?.routes ?? []).map(({ destination, device, source }) => ({
    table: wanRoutes(settings),
    destination,
    target: { kind: "link" as const, name: device },
    source,
  }));
}

/**
 * A packet that a node sent here for a peer that this gateway does not reach ends here: other gateways could send it
 * here again. Nodes send no more once they have heard.
 */
function deadEnds(peers: readonly PeerPaths[], settings: VxlanSettings): readonly Route[] {
  return peers.flatMap(({ prefixes }) =>
    prefixes.map((destination) => ({
      table: deadEndTable(settings),
      destination,
      target: { kind: "unreachable" as const },
    })),
  );
}

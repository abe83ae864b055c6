import type { NexthopGroup, Route } from "./kernel-state.ts";
import type { PeerPaths, PlanSlots } from "./plan.ts";
import { groupId, type NexthopOwner } from "./plan-ids.ts";
import { markTable } from "./route-tables.ts";
import type { VxlanSettings } from "./settings.ts";
import { isV6, MTU_MIN_V6, ofFamily } from "./underlay-family.ts";

export interface PeerRoutesInput {
  readonly peers: readonly PeerPaths[];
  readonly owner: NexthopOwner;
  readonly table: number;
  readonly slots: PlanSlots;
  /** Own global addresses: sources of what the machine itself sends. */
  readonly sources: readonly string[];
  /** Largest packet of the device, bytes. */
  readonly deviceMtu: number;
  /** The nexthop to a gateway for packets of the family of this network. */
  readonly idFor: (gateway: string, network: string) => number | undefined;
  /** What is said of a peer that nobody reaches; undefined: nothing, so that later rules are asked. */
  readonly whenNone: "unreachable" | undefined;
  readonly settings: Pick<VxlanSettings, "nexthopBase" | "tableBase">;
}

/** Each network of each peer through all the gateways that carry packets to it, by flow; and back the way a flow came. */
export function peerRoutes(input: PeerRoutesInput): {
  readonly groups: readonly NexthopGroup[];
  readonly routes: readonly Route[];
} {
  const { peers, owner, table, slots, idFor, whenNone, settings } = input;
  const groups = new Map<number, NexthopGroup>();
  const routes: Route[] = [];
  for (const peer of peers) {
    const peerSlot = slots.peers.get(peer.cluster);
    for (const destination of peer.prefixes) {
      const members = peer.through.flatMap((gateway) => idFor(gateway, destination) ?? []);
      if (members.length === 0 || peerSlot === undefined) {
        if (whenNone !== undefined) routes.push({ table, destination, target: { kind: whenNone } });
        continue;
      }
      const id = groupId(settings, owner, peerSlot, destination);
      groups.set(id, { id, members: [...new Set(members)] });
      routes.push({ table, destination, ...towards(peer, destination, id, input) });
      for (const gateway of peer.back ?? peer.through) {
        const slot = slots.gateways.get(gateway);
        const nexthop = idFor(gateway, destination);
        if (slot === undefined || nexthop === undefined) continue;
        routes.push({
          table: markTable(settings, slot),
          destination,
          ...towards(peer, destination, nexthop, input),
        });
      }
    }
  }
  return { groups: [...groups.values()], routes };
}

/**
 * Always with a size, be it that of the device: IPv4 looks for a route to the same nexthop that it has already, and one without a
 * size takes the size of that (`fib_find_info_nh` of Linux does not compare it), so that a path that carries more again never would.
 */
function towards(
  { mtu: measured }: PeerPaths,
  destination: string,
  id: number,
  { sources, deviceMtu }: PeerRoutesInput,
): Pick<Route, "target" | "source" | "mtu"> {
  const source = ofFamily(sources, isV6(destination));
  const mtu = Math.min(measured ?? deviceMtu, deviceMtu);
  return {
    target: { kind: "nexthop", id },
    ...(source !== undefined && { source }),
    mtu: isV6(destination) ? Math.max(mtu, MTU_MIN_V6) : mtu,
  };
}

import { hardwareAddress } from "./hardware-address.ts";
import type { Nexthop } from "./kernel-state.ts";
import type { OwnNode } from "./networks.ts";
import { nexthopId } from "./plan-ids.ts";
import type { VxlanSettings } from "./settings.ts";
import type { Slots } from "./slots.ts";
import { ofFamily } from "./underlay-family.ts";

/** Another node of the own cluster that can be sent to over the nodes' tunnel. */
export interface Neighbor {
  readonly name: string;
  readonly mac: string;
  /** Its address outside of the tunnel. */
  readonly outer: string;
  readonly globalAddresses: readonly string[];
}

/** Nodes whose addresses do not do for the tunnel are none. */
export function neighborsOf(
  nodes: readonly OwnNode[],
  own: string,
  v6: boolean,
): readonly Neighbor[] {
  return nodes.flatMap(({ name, internalIps, globalAddresses }) => {
    const outer = ofFamily(internalIps, v6);
    const [first] = globalAddresses;
    if (name === own || outer === undefined || first === undefined) return [];
    return [{ name, mac: hardwareAddress("node", first), outer, globalAddresses }];
  });
}

/**
 * Whether the nodes' tunnel runs over IPv6: one device has one family, so IPv6 where all nodes have that and not all have IPv4. Nodes of the other
 * family alone are left out then, and those that take no part do not count: one whose addresses nobody knows yet (a cloud provider tells
 * them after the node has come) or whose family no other has must not move everybody's tunnel.
 */
export function underlayIsV6(nodes: readonly OwnNode[]): boolean {
  const known = nodes.filter(
    ({ internalIps, globalAddresses }) => internalIps.length * globalAddresses.length > 0,
  );
  const allHave = (v6: boolean): boolean =>
    known.every(({ internalIps }) => ofFamily(internalIps, v6) !== undefined);
  return !allHave(false) && allHave(true);
}

/** Nexthop objects for some neighbors, and which one leads to whom. */
export interface NeighborHops {
  readonly nexthops: readonly Nexthop[];
  /** The nexthop to a neighbor for packets of the family of this address or network. */
  idFor(name: string, destination: string): number | undefined;
}

export function neighborHops(
  neighbors: readonly Neighbor[],
  slotOf: Slots,
  settings: Pick<VxlanSettings, "nexthopBase" | "nodeDevice">,
): NeighborHops {
  const nexthops = neighbors.flatMap(({ name, globalAddresses }) => {
    const slot = slotOf.get(name);
    if (slot === undefined) return [];
    return globalAddresses.map(
      (via): Nexthop => ({
        id: nexthopId(settings, "node-agent", slot, via),
        link: settings.nodeDevice,
        via,
      }),
    );
  });
  const ids = new Set(nexthops.map(({ id }) => id));
  return {
    nexthops,
    idFor(name, destination) {
      const slot = slotOf.get(name);
      if (slot === undefined) return undefined;
      const id = nexthopId(settings, "node-agent", slot, destination);
      return ids.has(id) ? id : undefined;
    },
  };
}

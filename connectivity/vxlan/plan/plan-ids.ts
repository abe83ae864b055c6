import type { VxlanSettings } from "./settings.ts";
import { isV6 } from "./underlay-family.ts";

/** Ids of nexthop objects, from `nexthopBase` on: both families of one slot beside each other. */
const NODE_GROUPS_AT = 10_000;
const GATEWAY_NEXTHOPS_AT = 50_000;
const GATEWAY_GROUPS_AT = 100_000;
const END = 200_000;

export type NexthopOwner = "node-agent" | "gateway";

/** Slots that a nexthop and a group can have, for either owner. */
export const SLOTS_MAX = 19_999;

export function nexthopId(
  { nexthopBase }: Pick<VxlanSettings, "nexthopBase">,
  owner: NexthopOwner,
  slot: number,
  address: string,
): number {
  const first = owner === "gateway" ? GATEWAY_NEXTHOPS_AT : 0;
  return nexthopBase + first + 2 * slot + (isV6(address) ? 1 : 0);
}

export function groupId(
  { nexthopBase }: Pick<VxlanSettings, "nexthopBase">,
  owner: NexthopOwner,
  peerSlot: number,
  network: string,
): number {
  const first = owner === "gateway" ? GATEWAY_GROUPS_AT : NODE_GROUPS_AT;
  return nexthopBase + first + 2 * peerSlot + (isV6(network) ? 1 : 0);
}

export function isNexthopOf(
  { nexthopBase }: Pick<VxlanSettings, "nexthopBase">,
  owner: NexthopOwner,
  id: number,
): boolean {
  const at = id - nexthopBase;
  return owner === "node-agent"
    ? at >= 0 && at < GATEWAY_NEXTHOPS_AT
    : at >= GATEWAY_NEXTHOPS_AT && at < END;
}

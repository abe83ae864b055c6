import { SLICE_TABLE } from "../slices/slice-table.ts";
import type { Ownership } from "./linux/read-kernel-state.ts";
import { AUDIENCE_TABLE } from "./plan/audience-table.ts";
import { FILTER_TABLE } from "./plan/filter-table.ts";
import { NODE_TABLE } from "./plan/node-table.ts";
import { isNexthopOf } from "./plan/plan-ids.ts";
import { isGatewayTable, isNodeAgentTable } from "./plan/route-tables.ts";
import { tunnelDevices, type VxlanSettings, wanDevices } from "./plan/settings.ts";
import { WAN_TABLE, WIREGUARD_PREFIX } from "./plan/wan-table.ts";

/** What in the kernel is the node agent's. */
export function nodeAgentOwnership(settings: VxlanSettings): Ownership {
  return {
    links: [settings.nodeDevice],
    nftTables: [NODE_TABLE],
    table: (table) => isNodeAgentTable(settings, table),
    nexthop: (id) => isNexthopOf(settings, "node-agent", id),
  };
}

/** What in the kernel is the gateway's, on a node that has a node agent too. */
export function gatewayOwnership(settings: VxlanSettings): Ownership {
  return {
    links: wanDevices(settings),
    otherLinks: WIREGUARD_PREFIX,
    nftTables: [FILTER_TABLE, WAN_TABLE, SLICE_TABLE, AUDIENCE_TABLE],
    table: (table) => isGatewayTable(settings, table),
    nexthop: (id) => isNexthopOf(settings, "gateway", id),
    shortcut: tunnelDevices(settings),
  };
}

/**
 * Names and numbers that the data path takes on a machine, all of them replaceable: whatever else runs there may have taken
 * one. docs/vxlan.md says why the defaults clash with no well-known neighbour.
 */
export interface VxlanSettings {
  /** VXLAN device between the nodes of the cluster. */
  readonly nodeDevice: string;
  /** VXLAN device to gateways of other clusters; one for each family of addresses underneath, the one for IPv6 with a `6` behind. */
  readonly wanDevice: string;
  /** VXLAN network identifiers, 24 bits. */
  readonly nodeVni: number;
  readonly wanVni: number;
  /** UDP port of VXLAN between the nodes of the cluster. */
  readonly nodePort: number;
  /** UDP port of VXLAN between gateways. */
  readonly wanPort: number;
  /** UDP port of WireGuard; a key that takes over uses the next one. */
  readonly wgPort: number;
  /** UDP port at which nodes and gateways answer probes. */
  readonly probePort: number;
  /** First of the routing tables that are ours: see `route-tables.ts`. */
  readonly tableBase: number;
  /** First of four priorities of `ip rule`: see `route-tables.ts`. */
  readonly rulePriority: number;
  /** First of the 200,000 ids of nexthop objects that are ours. */
  readonly nexthopBase: number;
  /** Lowest bit of the field in packet and conntrack marks that is ours. */
  readonly markShift: number;
  /** Bits of that field; it tells apart 2^bits - 1 gateways, local and remote. */
  readonly markBits: number;
}

export const DEFAULT_VXLAN_SETTINGS: VxlanSettings = {
  nodeDevice: "isth-node",
  wanDevice: "isth-wan",
  nodeVni: 0x1570,
  wanVni: 0x1571,
  nodePort: 4797,
  wanPort: 4798,
  wgPort: 4794,
  probePort: 4796,
  tableBase: 15_700,
  rulePriority: 1_570,
  nexthopBase: 15_700_000,
  markShift: 0,
  markBits: 7,
};

/** Every device that may carry packets with global addresses. */
export function tunnelDevices({
  nodeDevice,
  wanDevice,
}: Pick<VxlanSettings, "nodeDevice" | "wanDevice">): readonly string[] {
  return [nodeDevice, ...wanDevices({ wanDevice })];
}

export function wanDevices({ wanDevice }: Pick<VxlanSettings, "wanDevice">): readonly string[] {
  return [wanDevice, `${wanDevice}6`];
}

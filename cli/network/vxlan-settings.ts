import { z } from "zod";
import {
  DEFAULT_VXLAN_SETTINGS,
  type VxlanSettings,
} from "../../connectivity/vxlan/plan/settings.ts";
import {
  kubeSettings,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";

function device(fallback: string, what: string): z.ZodType<string> {
  return z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,13}$/, "must be 1 to 13 letters, digits, dots, dashes or underscores")
    .default(fallback)
    .describe(what);
}

function number(fallback: number, most: number, what: string): z.ZodType<number> {
  return z.coerce.number().int().min(0).max(most).default(fallback).describe(what);
}

const D = DEFAULT_VXLAN_SETTINGS;
const PORT_MAX = 65_535;

/** What the data path takes on a machine: the same for every node agent and gateway of a cluster. */
export const vxlanSettings = {
  ...kubeSettings,
  node: z.string().min(1).describe("name of the Node object of the machine this runs on"),
  nodeDevice: device(D.nodeDevice, "VXLAN device between the cluster's nodes"),
  wanDevice: device(D.wanDevice, "VXLAN device between gateways; a second one has a 6 behind"),
  nodeVni: number(D.nodeVni, 0xff_ff_ff, "VXLAN network between the cluster's nodes"),
  wanVni: number(D.wanVni, 0xff_ff_ff, "VXLAN network between gateways, the same everywhere"),
  nodePort: number(D.nodePort, PORT_MAX, "UDP port of VXLAN between the cluster's nodes"),
  wanPort: number(D.wanPort, PORT_MAX, "UDP port of VXLAN between gateways"),
  wgPort: number(D.wgPort, PORT_MAX, "UDP port of WireGuard; a new key takes the one above"),
  probePort: number(
    D.probePort,
    PORT_MAX,
    "UDP port of probes in the tunnels, the same everywhere",
  ),
  tableBase: number(D.tableBase, 2 ** 31, "first of the routing tables that are ours"),
  rulePriority: number(D.rulePriority, 32_000, "first of four priorities of ip rule"),
  nexthopBase: number(D.nexthopBase, 2 ** 31, "first of 200,000 ids of nexthop objects"),
  markShift: number(D.markShift, 31, "lowest bit of our field in packet and conntrack marks"),
  markBits: z.coerce
    .number()
    .int()
    .min(6)
    .max(16)
    .default(D.markBits)
    .describe("bits of that field; it tells apart that many gateways, 31 local ones and the rest"),
  stateDir: z
    .string()
    .default("/run/isthmus")
    .describe("directory for what has to be put back on cleanup; it must not outlive a reboot"),
  procSys: z
    .string()
    .default("/proc/sys")
    .describe(
      "where the kernel's settings are: a container whose own /proc/sys is read-only has the machine's net mounted elsewhere",
    ),
  cleanup: z
    .boolean()
    .default(false)
    .describe("remove everything from the machine that an earlier run left in it, and end"),
  healthListen: listenDefault("127.0.0.1:8082", "address of /livez, /readyz and /metrics"),
  logLevel: logLevelSetting,
} as const;

export function vxlanSettingsOf(settings: VxlanSettings): VxlanSettings {
  const { nodeDevice, wanDevice, nodeVni, wanVni, nodePort, wanPort, wgPort, probePort } = settings;
  const { tableBase, rulePriority, nexthopBase, markShift, markBits } = settings;
  return {
    nodeDevice,
    wanDevice,
    nodeVni,
    wanVni,
    nodePort,
    wanPort,
    wgPort,
    probePort,
    tableBase,
    rulePriority,
    nexthopBase,
    markShift,
    markBits,
  };
}

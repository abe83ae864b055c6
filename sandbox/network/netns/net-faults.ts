import { field } from "./net-commands.ts";
import { type ClusterPlan, INTERNET, type NodePlan } from "./net-plan.ts";
import { mustRunIn, runCommands } from "./run-commands.ts";

/** Packets that leave a node and do not all arrive. One way: what comes back is another fault. */
export interface LossFault {
  readonly from: NodePlan;
  /** Nodes, clusters, or nothing: everywhere. Packets between pods over an underlay have pods' addresses. */
  readonly to?: readonly (NodePlan | ClusterPlan)[];
  /** 1 to 100, each packet by chance. @default 100 */
  readonly percent?: number;
}

const TABLE = "table netdev faults";
/** What the internet itself does not say. */
const SILENCE = "table inet silence";

/** The rules on the internet's ports, where a node's packets come in. Replaces all that was there, at once. */
export function faultRules(faults: readonly LossFault[]): string {
  const ports = new Map<string, string[]>();
  for (const fault of faults) {
    const rules = ports.get(fault.from.port) ?? [];
    rules.push(...lossRules(fault));
    ports.set(fault.from.port, rules);
  }
  const chains = [...ports].map(([port, rules]) =>
    [
      `  chain ${port} {`,
      `    type filter hook ingress device "${port}" priority 0;`,
      ...rules.map((rule) => `    ${rule}`),
      "  }",
    ].join("\n"),
  );
  return [
    TABLE,
    `delete ${TABLE}`,
    ...(chains.length === 0 ? [] : [`${TABLE} {`, ...chains, "}"]),
    "",
  ].join("\n");
}

function lossRules({ to, percent = 100 }: LossFault): readonly string[] {
  const chance = percent >= 100 ? "" : `numgen random mod 100 < ${percent} `;
  if (to === undefined) return [`${chance}drop`];
  return to
    .flatMap((target) =>
      "bridge" in target ? [...target.nodeCidrs, ...target.podCidrs] : target.addresses,
    )
    .map((address) => `${field(address, "daddr")} ${address} ${chance}drop`);
}

/** What goes wrong between the clusters; the whole of it is set at once. */
export class NetFaults {
  /** Loses packets as given from now on, and no others; none: the network is well. */
  async lose(faults: readonly LossFault[]): Promise<void> {
    await mustRunIn(INTERNET, ["nft", "-f", "-"], faultRules(faults));
  }

  /** The largest packet that the internet sends on to a cluster; larger ones get an ICMP answer, unless it is silent about that. */
  async setMtu(
    cluster: ClusterPlan,
    mtu: number,
    { isSilent = false }: { readonly isSilent?: boolean } = {},
  ): Promise<void> {
    const rules = isSilent
      ? [
          `${SILENCE} {`,
          "  chain output {",
          "    type filter hook output priority filter;",
          "    icmp type destination-unreachable drop",
          "    icmpv6 type packet-too-big drop",
          "  }",
          "}",
        ]
      : [];
    const script = [SILENCE, `delete ${SILENCE}`, ...rules, ""].join("\n");
    const setSilence = (): Promise<string> => mustRunIn(INTERNET, ["nft", "-f", "-"], script);
    const setSize = (): Promise<string> =>
      runCommands([`ip -n ${INTERNET} link set ${cluster.bridge} mtu ${mtu}`]);
    // Whoever is told but once sends no larger packets for ten minutes (tcp(7), mtu_expires): silence is there before and after.
    for (const set of isSilent ? [setSilence, setSize] : [setSize, setSilence]) await set();
  }

  /** Pulls a node's cable, or puts it back. */
  async setLink(node: NodePlan, state: "up" | "down"): Promise<void> {
    await runCommands([`ip -n ${INTERNET} link set ${node.port} ${state}`]);
  }
}

import { sleep } from "../../../runtime/clock/sleep.ts";
import type { NodePlan } from "../../../sandbox/network/netns/net-plan.ts";
import type { LoadReport } from "../../../sandbox/network/netns/pod/load/load-report.ts";
import type { PodProcess } from "../../../sandbox/network/netns/pod/pod-process.ts";
import { mustRunIn } from "../../../sandbox/network/netns/run-commands.ts";
import { HTTP } from "./net-service.ts";
import { DEPS } from "./net-world.ts";
import { pingFrom } from "./talk.ts";
import type { VxlanWorld } from "./vxlan-world.ts";

/** Something that goes wrong, and how it is undone. Nothing of ours is told about either. */
export interface FaultScenario {
  /** Before the load begins: until there is something for the fault to strike. */
  prepare?(): Promise<void>;
  strike(): Promise<void>;
  mend(): Promise<void>;
  /** Before the same strikes once more: what has been learned of the path is unlearned. */
  again?(): Promise<void>;
  /** Bytes of a question, where small ones would not notice. */
  readonly questionBytes?: number;
  /** Nobody is fast enough to lose nothing: where nothing was lost, nothing was struck. */
  readonly mustLose?: boolean;
}

/** Enough for everything to be noticed that there is to notice; whoever is not answered by then is waited for. */
const WATCH_MS = 1_000;
const BEFORE_MS = 300;
/**
 * How long all is well before a fault, ms. A gateway that came back is given flows two seconds later at the earliest: until then the other
 * one has them all, which is whose turn it is.
 */
const WELL_MS = 500;
/** More than one packet, so that one of each question is as large as the path is thought to carry. */
const LARGE_BYTES = 2_000;
/** Largest packet between clusters that still arrives. */
const LARGE_MTU = 1_480;
/** VXLAN over IPv4: what a gateway reports is inside of it. */
const AROUND_BYTES = 50;
/** Until a node has noticed that one of its gateways answers again, ms. */
const NOTICED_MS = 2_000;

/**
 * A load from a client of cluster `a` behind no gateway to a server of cluster `b` behind none, over which a fault comes. Its
 * gaps are what a user would have seen.
 */
export async function strikeUnderLoad(
  vxlan: VxlanWorld,
  scenario: FaultScenario,
): Promise<LoadReport> {
  await vxlan.allWell(WELL_MS);
  await scenario.prepare?.();
  const { client, host } = endsOf(vxlan);
  const options = {
    host,
    port: HTTP,
    connections: 12,
    flows: 12,
    opens: true,
    everyMs: 10,
    ...(scenario.questionBytes !== undefined && { questionBytes: scenario.questionBytes }),
  };
  const started = await client.ask({ kind: "load", options });
  if (started.kind !== "done") throw new Error(`no load: ${JSON.stringify(started)}`);
  await pause(BEFORE_MS);
  await scenario.strike();
  await pause(WATCH_MS);
  const ended = await client.ask({ kind: "end-load" });
  if (ended.kind !== "load") throw new Error(`no report: ${JSON.stringify(ended)}`);
  return ended.report;
}

/**
 * What can happen to gateways, by name; with two of them in each cluster the other one is there to carry on. They take turns: the one
 * that has not been struck last has all flows.
 */
export const FAULTS: Readonly<Record<string, (vxlan: VxlanWorld, turn: number) => FaultScenario>> =
  {
    "power of the client's gateway is off": (vxlan, turn) => powerOff(vxlan, "a", turn),
    "power of the server's gateway is off": (vxlan, turn) => powerOff(vxlan, "b", turn),
    "the client's gateway is rebooted": (vxlan, turn) => reboot(vxlan, "a", turn),
    "the server's gateway is rebooted": (vxlan, turn) => reboot(vxlan, "b", turn),
    "a gateway's process is killed": (vxlan, turn) => {
      const node = gatewayOf(vxlan, "b", turn);
      return {
        strike: () => vxlan.processes.find("gateway", node).kill(),
        mend: () => restart(vxlan, "b", node),
      };
    },
    "nothing arrives from one gateway at the other cluster": (vxlan, turn) => {
      const { faults } = vxlan.world.clusterset;
      const to = [vxlan.world.cluster("b").plan];
      return {
        strike: () => faults.lose([{ from: gatewayOf(vxlan, "a", turn), to }]),
        mend: () => faults.lose([]),
      };
    },
    "nothing arrives from a node at one of its gateways": (vxlan, turn) => {
      const { faults } = vxlan.world.clusterset;
      const to = [gatewayOf(vxlan, "a", turn)];
      return {
        strike: () => faults.lose([{ from: lastNode(vxlan, "a"), to }]),
        mend: async () => {
          await faults.lose([]);
          // No gateway reports what a node alone has noticed.
          await pause(NOTICED_MS);
        },
      };
    },
    "a node's agent is killed and started again": (vxlan) => {
      const node = lastNode(vxlan, "a");
      return {
        strike: async () => {
          await vxlan.processes.find("node-agent", node).kill();
          await restart(vxlan, "a", node);
        },
        mend: nothing,
      };
    },
    "packets above a size arrive no more at one cluster, and nobody says so": (vxlan) => {
      const { faults, plan } = vxlan.world.clusterset;
      const smaller = vxlan.world.cluster("b").plan;
      return {
        questionBytes: LARGE_BYTES,
        mustLose: true,
        prepare: () => carriesWhole(vxlan, plan.mtu - AROUND_BYTES),
        strike: () => faults.setMtu(smaller, LARGE_MTU, { isSilent: true }),
        mend: () => faults.setMtu(smaller, plan.mtu),
        // A gateway tries larger packets after five minutes, or when it begins: until then less is sent than the path carries, and
        // nobody would notice that it carries less.
        again: async () => {
          for (const { plan: cluster } of vxlan.clusters) {
            for (const node of vxlan.gatewayNodes(cluster.id)) {
              await vxlan.processes.find("gateway", node).kill();
              await restart(vxlan, cluster.id, node);
            }
          }
        },
      };
    },
  };

/** Who asks and who answers: neither is on a gateway. */
function endsOf(vxlan: VxlanWorld): { readonly client: PodProcess; readonly host: string } {
  const client = vxlan.world.cluster("a").clients.at(-1);
  const server = vxlan.server(vxlan.world.cluster("b").plan.nodes.at(-1));
  if (client === undefined) throw new Error("no client");
  return { client, host: server.globalAddresses[0] ?? "" };
}

/**
 * Until everybody who sends to other clusters thinks that so large a packet passes, and one does: gateways measure it, and everybody's
 * routes follow a moment later. What pods were told meanwhile they remember for ten minutes (tcp(7), mtu_expires), so they forget last.
 */
async function carriesWhole(vxlan: VxlanWorld, bytes: number): Promise<void> {
  await vxlan.measured(bytes);
  await vxlan.routed(bytes);
  for (const { clients, plan } of vxlan.clusters) {
    const servers = plan.nodes.map((node) => vxlan.server(node).process);
    for (const { namespace } of [...servers, ...clients]) {
      await mustRunIn(namespace, ["ip", "route", "flush", "cache"]);
    }
  }
  const { client, host } = endsOf(vxlan);
  if ((await pingFrom(client, host, { wholeBytes: bytes })) === "silent") {
    throw new Error(`no packet of ${bytes} bytes passes whole from ${client.namespace} to ${host}`);
  }
}

function powerOff(vxlan: VxlanWorld, id: string, turn: number): FaultScenario {
  const { faults } = vxlan.world.clusterset;
  const node = gatewayOf(vxlan, id, turn);
  return {
    strike: () => faults.setLink(node, "down"),
    mend: () => faults.setLink(node, "up"),
  };
}

function reboot(vxlan: VxlanWorld, id: string, turn: number): FaultScenario {
  const { clusterset } = vxlan.world;
  const cluster = vxlan.world.cluster(id);
  const node = gatewayOf(vxlan, id, turn);
  return {
    strike: async () => {
      await clusterset.faults.setLink(node, "down");
      await vxlan.killNode(node);
      await clusterset.rebootNode(cluster, node);
      await vxlan.restoreServer(cluster, node);
      await restart(vxlan, id, node);
    },
    mend: nothing,
  };
}

async function restart(vxlan: VxlanWorld, id: string, node: NodePlan): Promise<void> {
  vxlan.startNode(vxlan.world.cluster(id), node);
  await vxlan.nodeReady(node);
}

function gatewayOf(vxlan: VxlanWorld, id: string, turn: number): NodePlan {
  const gateways = vxlan.gatewayNodes(id);
  const node = gateways[turn % gateways.length];
  if (node === undefined) throw new Error(`${id} has no gateway`);
  return node;
}

function lastNode(vxlan: VxlanWorld, id: string): NodePlan {
  const node = vxlan.world.cluster(id).plan.nodes.at(-1);
  if (node === undefined) throw new Error(`${id} has no nodes`);
  return node;
}

async function nothing(): Promise<void> {}

function pause(ms: number): Promise<void> {
  return sleep(DEPS.clock, ms, new AbortController().signal);
}

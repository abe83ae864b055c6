import { sleep } from "../../../runtime/clock/sleep.ts";
import type { NodePlan } from "../../../sandbox/network/netns/net-plan.ts";
import type { LoadReport } from "../../../sandbox/network/netns/pod/load/load-report.ts";
import { HTTP } from "./net-service.ts";
import { DEPS } from "./net-world.ts";
import type { VxlanWorld } from "./vxlan-world.ts";

/** Something that goes wrong, and how it is undone. Nothing of ours is told about either. */
export interface FaultScenario {
  strike(): Promise<void>;
  mend(): Promise<void>;
}

/** How long a load is watched after a fault at least, ms: until everything has been noticed that there is to notice. */
const WATCH_MS = 3_000;
const BEFORE_MS = 300;
/**
 * A gateway that came back is given flows only once their share of the others has been silent for five seconds: before that a fault
 * of it would hurt nobody.
 */
const SPREAD_MS = 6_500;

/**
 * A load from a client of cluster `a` behind no gateway to a server of cluster `b` behind none, over which a fault comes. Its
 * gaps are what a user would have seen.
 */
export async function strikeUnderLoad(
  vxlan: VxlanWorld,
  scenario: FaultScenario,
  watchMs = WATCH_MS,
): Promise<LoadReport> {
  await vxlan.allWell(SPREAD_MS);
  const client = vxlan.world.cluster("a").clients.at(-1);
  const server = vxlan.server(vxlan.world.cluster("b").plan.nodes.at(-1));
  if (client === undefined) throw new Error("no client");
  const options = {
    host: server.globalAddresses[0] ?? "",
    port: HTTP,
    connections: 12,
    flows: 12,
    opens: true,
    everyMs: 10,
  };
  const started = await client.ask({ kind: "load", options });
  if (started.kind !== "done") throw new Error(`no load: ${JSON.stringify(started)}`);
  await pause(BEFORE_MS);
  await scenario.strike();
  await pause(watchMs);
  const ended = await client.ask({ kind: "end-load" });
  if (ended.kind !== "load") throw new Error(`no report: ${JSON.stringify(ended)}`);
  return ended.report;
}

/** What can happen to gateways, by name; with two of them in each cluster the other one is there to carry on. */
export const FAULTS: Readonly<Record<string, (vxlan: VxlanWorld) => FaultScenario>> = {
  "power of the client's gateway is off": (vxlan) => powerOff(vxlan, "a"),
  "power of the server's gateway is off": (vxlan) => powerOff(vxlan, "b"),
  "the client's gateway is rebooted": (vxlan) => reboot(vxlan, "a"),
  "the server's gateway is rebooted": (vxlan) => reboot(vxlan, "b"),
  "a gateway's process is killed": (vxlan) => {
    const node = firstGateway(vxlan, "b");
    return {
      strike: () => vxlan.processes.find("gateway", node).kill(),
      mend: () => restart(vxlan, "b", node),
    };
  },
  "nothing arrives from one gateway at the other cluster": (vxlan) => {
    const { faults } = vxlan.world.clusterset;
    const to = [vxlan.world.cluster("b").plan];
    return {
      strike: () => faults.lose([{ from: firstGateway(vxlan, "a"), to }]),
      mend: () => faults.lose([]),
    };
  },
  "nothing arrives from a node at one of its gateways": (vxlan) => {
    const { faults } = vxlan.world.clusterset;
    const to = [firstGateway(vxlan, "a")];
    return {
      strike: () => faults.lose([{ from: lastNode(vxlan, "a"), to }]),
      mend: async () => {
        await faults.lose([]);
        // No gateway reports what a node alone has noticed.
        await pause(SPREAD_MS);
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
};

function powerOff(vxlan: VxlanWorld, id: string): FaultScenario {
  const { faults } = vxlan.world.clusterset;
  const node = firstGateway(vxlan, id);
  return {
    strike: () => faults.setLink(node, "down"),
    mend: () => faults.setLink(node, "up"),
  };
}

function reboot(vxlan: VxlanWorld, id: string): FaultScenario {
  const { clusterset } = vxlan.world;
  const cluster = vxlan.world.cluster(id);
  const node = firstGateway(vxlan, id);
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

function firstGateway(vxlan: VxlanWorld, id: string): NodePlan {
  const [node] = vxlan.gatewayNodes(id);
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

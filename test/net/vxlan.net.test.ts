import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetShape } from "../../sandbox/network/netns/net-plan.ts";
import type { PodProcess } from "../../sandbox/network/netns/pod/pod-process.ts";
import { mustRunIn, runIn } from "../../sandbox/network/netns/run-commands.ts";
import { HTTP, UDP, UNEXPORTED } from "./harness/net-service.ts";
import { nodeState } from "./harness/node-state.ts";
import { httpFrom, pingFrom, SILENCE_MS, whoByUdp } from "./harness/talk.ts";
import { VxlanWorld } from "./harness/vxlan-world.ts";

/** Node agents look at all there is each 30 s. */
const BEFORE_A_LOOK_MS = 25_000;
const ALL: Partial<NetShape> = { clusters: ["a", "b", "c"], nodesPerCluster: 3 };

describe.each<{ readonly name: string; readonly shape: Partial<NetShape> }>([
  { name: "IPv4", shape: ALL },
  { name: "IPv4, the same pod and service CIDRs everywhere", shape: { ...ALL, overlapping: true } },
  { name: "IPv6 only", shape: { ...ALL, families: ["IPv6"] } },
  {
    name: "dual stack, overlapping",
    shape: { ...ALL, families: ["IPv4", "IPv6"], overlapping: true },
  },
])("vxlan, $name", ({ shape }) => {
  let vxlan: VxlanWorld;
  let before: readonly Readonly<Record<string, string>>[];

  beforeAll(async () => {
    vxlan = await VxlanWorld.build(shape);
    before = await statesOf("a");
    await vxlan.startBackend();
  });
  afterAll(() => vxlan?.[Symbol.asyncDispose]());

  function statesOf(id: string): Promise<readonly Readonly<Record<string, string>>[]> {
    const { nodes } = vxlan.world.cluster(id).plan;
    return Promise.all(nodes.map(({ namespace }) => nodeState(namespace)));
  }

  /** Every node of every cluster asks a server behind no gateway, and one on a gateway, of every other cluster. */
  function pairs(): readonly {
    client: PodProcess;
    address: string;
    node: string;
    cluster: string;
  }[] {
    const { clusters } = vxlan.world.clusterset;
    return clusters.flatMap(({ plan: from, clients }) =>
      clusters
        .filter(({ plan }) => plan !== from)
        .flatMap(({ plan }) =>
          [plan.nodes[0], plan.nodes.at(-1)].flatMap((node) =>
            vxlan.server(node).globalAddresses.flatMap((address) =>
              clients.map((client) => ({
                client,
                address,
                node: node?.name ?? "",
                cluster: plan.id,
              })),
            ),
          ),
        ),
    );
  }

  test("TCP, UDP and ICMP from every node to every other cluster", async () => {
    for (const { client, address, node, cluster } of pairs()) {
      const where = `${client.namespace} to ${address}`;
      expect([where, await httpFrom(client, address, HTTP)]).toMatchObject([
        where,
        { cluster, node },
      ]);
      expect([where, await whoByUdp(client, address, UDP)]).toEqual([
        where,
        expect.stringMatching(/^(242\.|fd42:)/),
      ]);
      expect([where, await pingFrom(client, address)]).toEqual([where, "answered"]);
    }
  });

  test("a port that is not exported is refused to TCP; datagrams for it end at the client's gateway", async () => {
    const before = await denied();
    const asked = pairs();
    const outcomes = asked.map(async ({ client, address }) => {
      expect((await httpFrom(client, address, UNEXPORTED)).cluster).toBe("ECONNREFUSED");
      // The gateway's ICMP error quotes a global address, which is not the pod's: its kernel makes nothing of it.
      expect(await whoByUdp(client, address, UNEXPORTED, SILENCE_MS)).toMatch(/^E[A-Z]+$/);
    });
    await Promise.all(outcomes);
    // Each has sent a SYN and a datagram.
    await vxlan.world.until("the gateways to have counted them", async () =>
      (await denied()) >= before + 2 * asked.length ? true : undefined,
    );
  });

  /** Packets that gateways did not let out of their clusters. */
  async function denied(): Promise<number> {
    const gateways = vxlan.world.clusterset.clusters.flatMap(({ plan }) =>
      vxlan.gatewayNodes(plan.id),
    );
    const list = ["nft", "list", "counter", "inet", "isthmus_gateway", "denied_out"];
    const texts = await Promise.all(gateways.map(({ namespace }) => mustRunIn(namespace, list)));
    return texts.reduce((sum, text) => sum + Number(/packets (\d+)/.exec(text)?.[1]), 0);
  }

  test("at the tunnels' ports packets are taken from those who take part, and from nobody else", async () => {
    const [gateway] = vxlan.gatewayNodes("b");
    // No gateway, and a node of another cluster.
    const stranger = vxlan.world.cluster("a").plan.nodes.at(-1);
    if (gateway === undefined || stranger === undefined) throw new Error("no nodes");
    const ask = join(import.meta.dirname, "vxlan/ask.ts");
    for (const [table, port] of [
      ["isthmus_node", 4797],
      ["isthmus_wan", 4798],
    ] as const) {
      for (const address of gateway.addresses) {
        const before = await refused(gateway.namespace, table);
        await runIn(stranger.namespace, [
          ...[process.execPath, ask, "udp", address, `${port}`, "100"],
        ]);
        await vxlan.world.until(`${table} to have refused it at ${address}`, async () =>
          (await refused(gateway.namespace, table)) > before ? true : undefined,
        );
      }
    }
  });

  /** Packets with others' addresses that the gateways of `b` have dropped. */
  async function lies(): Promise<number> {
    const counts = vxlan
      .gatewayNodes("b")
      .map(({ namespace }) => refused(namespace, "isthmus_wan", "from_peers"));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async function refused(namespace: string, table: string, chain = "outer"): Promise<number> {
    const text = await mustRunIn(namespace, ["nft", "list", "chain", "inet", table, chain]);
    const counts = [...text.matchAll(/packets (\d+)/g)].map(([, count]) => Number(count));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  test("bytes arrive whole and in order, both ways", async () => {
    for (const { client, address } of pairs().slice(0, 6)) {
      const question = { kind: "tcp", host: address, port: HTTP, bytes: 2_000_000 } as const;
      const answer = await client.ask({ ...question, timeoutMs: 30_000 });
      expect(answer).toMatchObject({ kind: "tcp", bytes: 2_000_000, intact: true });
    }
  });

  test("a peer's packets come from its own addresses or not at all, at whatever port", async () => {
    const [liar] = vxlan.gatewayNodes("a");
    if (liar === undefined) throw new Error("no gateway");
    // A gateway that lies: its own rules would not let it, and come back when somebody takes them away.
    const chains = [
      ...["isthmus_wan own_addresses", "isthmus_node own_address"],
      "isthmus_gateway own_to_tunnel",
    ];
    const unguarded = chains.map((name) => `nft flush chain inet ${name}`).join(" && ");
    for (const to of vxlan.server(vxlan.world.cluster("b").plan.nodes.at(-1)).globalAddresses) {
      const [from, family] = to.includes(":") ? ["fd77::1", "udp6"] : ["10.77.0.1", "udp4"];
      await mustRunIn(liar.namespace, ["ip", "addr", "add", from, "dev", "lo"]);
      // The tunnels' own ports, too, which other rules look at.
      for (const port of [UDP, 4797, 4798]) {
        const script = `const s = require("node:dgram").createSocket("${family}");
          s.bind(0, "${from}", () => s.send("x", ${port}, "${to}", () => s.close()));`;
        const before = await lies();
        await vxlan.world.until(`port ${port} of ${to} to be refused to ${from}`, async () => {
          await mustRunIn(liar.namespace, ["sh", "-c", unguarded]);
          await mustRunIn(liar.namespace, [process.execPath, "-e", script]);
          return (await lies()) > before ? true : undefined;
        });
      }
      await mustRunIn(liar.namespace, ["ip", "addr", "del", from, "dev", "lo"]);
    }
  });

  test("what others take away is back before anybody would look", async () => {
    const [node] = vxlan.gatewayNodes("a");
    const here = async (script: string): Promise<string> =>
      (await runIn(node?.namespace ?? "", ["sh", "-c", script])).stdout;
    const view =
      "(nft list tables; ip rule; ip -6 rule; ip -br link show type vxlan | cut -d' ' -f1) | sort";
    const whole = await here(view);
    const rest =
      await here(`for table in isthmus_node isthmus_gateway isthmus_wan; do nft delete table inet $table; done
for each in 1570 1571 1572 1573; do while ip rule del priority $each || ip -6 rule del priority $each; do :; done; done
ip nexthop flush; ip link del isth-node; ${view}`);
    expect(rest).not.toContain("isth-node");
    await vxlan.world.until(
      "all of it to be there again",
      async () => ((await here(view)) === whole ? true : undefined),
      BEFORE_A_LOOK_MS,
    );
    for (const { client, address, cluster } of pairs().slice(0, 2)) {
      expect(await httpFrom(client, address, HTTP)).toMatchObject({ cluster });
    }
  });

  test("cleanup leaves every node byte for byte as it was", async () => {
    const cluster = vxlan.world.cluster("a");
    for (const node of cluster.plan.nodes) await vxlan.processes.cleanUp(cluster, node);
    expect(await statesOf("a")).toEqual(before);
  });
});

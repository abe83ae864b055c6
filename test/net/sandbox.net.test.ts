import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { mustRunIn, runIn } from "../../sandbox/network/netns/run-commands.ts";
import { HTTP, NetService } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";
import { httpFrom, pingFrom, SILENCE_MS } from "./harness/talk.ts";

/** What tests of backends rely on: that the sandbox's network is one. */
describe.each([
  { name: "IPv4", families: ["IPv4"] as const },
  { name: "dual stack", families: ["IPv4", "IPv6"] as const },
  { name: "IPv6 only", families: ["IPv6"] as const },
])("a network of namespaces, $name", ({ families }) => {
  let world: NetWorld;
  let service: NetService;

  beforeAll(async () => {
    world = await NetWorld.start({ clusters: ["a", "b"], families }, { processes: false });
    service = new NetService(world, "shop");
    await service.deploy(["a"], {});
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  test("pods reach each other over nodes, and nobody in another cluster", async () => {
    const [here, there] = world.cluster("a").clients;
    const [stranger] = world.cluster("b").clients;
    const address = await service.podAddress("a", "node-2");
    expect(await httpFrom(here, address, HTTP)).toMatchObject({ node: "node-2" });
    expect(await httpFrom(there, address, HTTP)).toMatchObject({ node: "node-2" });
    expect(await pingFrom(stranger, address, { timeoutMs: SILENCE_MS })).toBe("silent");
  });

  test("a ClusterIP leads to every pod, from pods and from nodes; its other ports refuse", async () => {
    const [client] = world.cluster("a").clients;
    const [node] = world.cluster("a").plan.nodes;
    const found = await world.find<Service>("a", SERVICES, "shop", "web");
    const ips = found?.spec.clusterIPs ?? [];
    expect(ips).toHaveLength(families.length);
    for (const ip of ips) {
      await world.until("both pods to answer", async () => {
        const answers = await Promise.all(
          Array.from({ length: 12 }, () => httpFrom(client, ip, 80)),
        );
        return new Set(answers.map(({ node }) => node)).size === 2 ? true : undefined;
      });
      expect(await httpFrom(client, ip, 81)).toMatchObject({ cluster: "ECONNREFUSED" });
      const url = `http://${ip.includes(":") ? `[${ip}]` : ip}/`;
      expect(await mustRunIn(node?.namespace ?? "", ["curl", "-s", "-m", "15", url])).toContain(
        '"namespace":"shop"',
      );
    }
  });

  test("loss one way, and a pulled cable", async () => {
    const [a1, a2] = world.cluster("a").plan.nodes;
    const [client] = world.cluster("a").clients;
    if (a1 === undefined || a2 === undefined) throw new Error("no nodes");
    const [target = ""] = a2.addresses;
    const { faults } = world.clusterset;
    expect(await pingFrom(client, target)).toBe("answered");
    await faults.lose([{ from: a1, to: [a2] }]);
    expect(await pingFrom(client, target, { timeoutMs: SILENCE_MS })).toBe("silent");
    await faults.lose([{ from: a1, to: [world.cluster("b").plan] }]);
    expect(await pingFrom(client, target)).toBe("answered");
    await faults.lose([]);
    await faults.setLink(a2, "down");
    expect(await pingFrom(client, target, { timeoutMs: SILENCE_MS })).toBe("silent");
    await faults.setLink(a2, "up");
    await world.until("the cable to carry again", async () =>
      (await pingFrom(client, target)) === "answered" ? true : undefined,
    );
  });

  test("the management link carries nothing between nodes", async () => {
    const [a1, a2] = world.cluster("a").plan.nodes;
    const ping = ["ping", "-c", "1", "-W", "1", a2?.managementAddress ?? ""];
    expect(await runIn(a1?.namespace ?? "", ping)).toMatchObject({ code: 1 });
  });

  test("a node that is rebooted is there again, with its rules", async () => {
    const cluster = world.cluster("b");
    const [node] = cluster.plan.nodes;
    if (node === undefined) throw new Error("no node");
    await world.clusterset.rebootNode(cluster, node);
    const [router = ""] = cluster.plan.routerAddresses;
    await mustRunIn(node.namespace, ["ping", "-c", "1", "-w", "15", router]);
    await world.until("service rules", async () =>
      (await runIn(node.namespace, ["nft", "list", "table", "inet", "services"])).code === 0
        ? true
        : undefined,
    );
  });
});

test("namespaces are the room's own: what is made here is not seen outside", () => {
  expect(readdirSync("/run/netns")).toContain("outside");
});

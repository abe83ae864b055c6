import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MemberNetwork } from "../../api/network/member-network.ts";
import type { Peer } from "../../api/network/peer.ts";
import { MEMBER_NETWORKS, PEERS } from "../../api/network/resources.ts";
import { mustRunCli } from "../e2e/harness/run-cli.ts";
import { callsIn, excusedBy, unlawful, unused } from "../permissions/calls.ts";
import { WITH_BACKENDS } from "../permissions/proofs.ts";
import { HTTP, NetService, UNEXPORTED } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";
import { httpFrom, SILENCE_MS, whoByUdp } from "./harness/talk.ts";

/** Broker, controllers, DNS, gateways and node agents together; nothing is written by hand. */
describe("a clusterset over vxlan whose clusters have the same pod and service CIDRs", () => {
  let world: NetWorld;
  let service: NetService;

  beforeAll(async () => {
    world = await NetWorld.start({ overlapping: true }, { backends: ["vxlan"] });
    service = new NetService(world, "shop");
    await service.deploy(["a", "b"]);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  test("the hub gives every member global addresses of its own", async () => {
    const networks = await Promise.all(
      ["a", "b", "c"].map((id) =>
        world.until(`${id} to have a network`, () =>
          world.find<MemberNetwork>(id, MEMBER_NETWORKS, undefined, "local"),
        ),
      ),
    );
    const globals = networks.flatMap(({ spec }) => spec.globalPrefixes.map(({ global }) => global));
    expect(new Set(globals).size).toBe(3);
  });

  test("every pair chooses vxlan", async () => {
    for (const [id, peer] of [
      ["a", "b"],
      ["b", "c"],
      ["c", "a"],
    ] as const) {
      await world.until(`${id} to reach ${peer} by vxlan`, async () => {
        const found = await world.find<Peer>(id, PEERS, undefined, peer);
        const path = found?.status?.paths.find(({ backend }) => backend === "vxlan");
        return found?.status?.backend === "vxlan" && path?.state === "up" ? true : undefined;
      });
    }
  });

  test("isthmus status shows each pair: way, health, round trip, loss, MTU, since when and why", async () => {
    const { kubeconfig } = world.cluster("a");
    const line = (peer: string): RegExp =>
      new RegExp(
        String.raw`^${peer} +\* vxlan +up +[\d.]+ ms +[\d.]+% +1\d{3} +\d{4}-\S+Z +\S`,
        "m",
      );
    await world.until("both pairs with all figures", async () => {
      const status = await mustRunCli(["status", "--kubeconfig", kubeconfig]);
      return line("b").test(status) && line("c").test(status) ? true : undefined;
    });
  });

  test("the clusterset IP leads to pods of every exporter, from every node; by name, too", async () => {
    await service.offered("c", ["a", "b"]);
    const ip = await service.clustersetIp("c");
    for (const client of world.cluster("c").clients) {
      await world.until("answers of all four pods", async () => {
        const answers = await Promise.all(
          Array.from({ length: 24 }, () => httpFrom(client, ip, 80)),
        );
        const pods = new Set(answers.map(({ cluster, pod }) => `${cluster} ${pod}`));
        return pods.size === 4 ? true : undefined;
      });
    }
  });

  test("an endpoint answers at the ports that are exported, and at no other", async () => {
    const [client] = world.cluster("c").clients;
    for (const { cluster, address } of await service.offered("c", ["a", "b"])) {
      expect(await httpFrom(client, address, HTTP)).toMatchObject({ cluster });
      expect((await httpFrom(client, address, UNEXPORTED)).cluster).toBe("ECONNREFUSED");
      expect(await whoByUdp(client, address, UNEXPORTED, SILENCE_MS)).toMatch(/^E[A-Z]+$/);
    }
  });

  test("gateways and node agents did what their roles grant, all of it and nothing more; controllers too (SEC-08)", async () => {
    const { processes, clusters } = world.clusterset;
    for (const verb of ["gateway", "node-agent"] as const) {
      const role = verb === "gateway" ? "isthmus:gateway" : "isthmus:node-agent";
      const calls = await callsOnce(
        () =>
          clusters.flatMap(({ plan }) => plan.nodes.map((node) => world.nodes.metrics(verb, node))),
        (made) => unused("33-vxlan-roles.yaml", role, made).length === 0,
      );
      expect(unused("33-vxlan-roles.yaml", role, calls)).toEqual([]);
      expect(unlawful("33-vxlan-roles.yaml", role, calls)).toEqual([]);
    }
    const withBackends = excusedBy("isthmus:controllers", WITH_BACKENDS);
    expect(withBackends.length).toBeGreaterThan(10);
    const calls = await callsOnce(
      () =>
        processes.members.map((member) =>
          processes.metrics(member.controllers, member.controllersHealthPort),
        ),
      (made) => withBackends.every((call) => made.includes(call)),
    );
    expect(unlawful("30-controllers-role.yaml", "isthmus:controllers", calls)).toEqual([]);
    expect(calls).toEqual(expect.arrayContaining([...withBackends]));
  });

  /** What processes have asked their API servers for, once that is enough; or what it is when nothing more comes. */
  async function callsOnce(
    metrics: () => readonly Promise<string>[],
    isEnough: (calls: readonly string[]) => boolean,
  ): Promise<readonly string[]> {
    let calls: readonly string[] = [];
    await world
      .until("calls", async () => {
        calls = (await Promise.all(metrics())).flatMap((text) => [...callsIn(text)]);
        return isEnough(calls) ? true : undefined;
      })
      .catch(() => undefined);
    return calls;
  }

  test("with the broker away everything goes on; what is unexported is closed once it is back", async () => {
    const { broker, brokerHealthPort } = world.clusterset.processes;
    const [client] = world.cluster("c").clients;
    const [first] = await service.offered("c", ["a", "b"]);
    const address = first?.address ?? "";
    await broker.stop();
    expect(await httpFrom(client, address, HTTP)).toMatchObject({ cluster: "a" });
    broker.start();
    const waiting = { timeoutMs: 30_000, signal: AbortSignal.timeout(60_000) };
    await world.clusterset.processes.ready(broker, brokerHealthPort, waiting);
    await service.unexport("a");
    await world.until("the gateways to close", async () =>
      (await httpFrom(client, address, HTTP)).cluster.startsWith("E") ? true : undefined,
    );
    const ip = await service.clustersetIp("c");
    await service.offered("c", ["b"]);
    // The nodes' service rules follow the slices.
    await world.until("the clusterset IP to lead to the other exporter alone", async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => httpFrom(client, ip, 80)));
      return answers.every(({ cluster }) => cluster === "b") ? true : undefined;
    });
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HTTP, NetService, UDP, UNEXPORTED } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";
import { httpFrom, pingFrom, whoByUdp } from "./harness/talk.ts";

describe("underlay: pods of three clusters reach each other as they are", () => {
  let world: NetWorld;
  let service: NetService;

  beforeAll(async () => {
    world = await NetWorld.start({
      underlay: [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
      ],
    });
    service = new NetService(world, "shop");
    await service.deploy(["a", "b"]);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  test("the clusterset IP leads to pods of every exporter, from every node, with the client's own address", async () => {
    await service.offered("c", ["a", "b"]);
    const ip = await service.clustersetIp("c");
    for (const client of world.cluster("c").clients) {
      const seen = await world.until("answers of all four pods", async () => {
        const answers = await Promise.all(
          Array.from({ length: 24 }, () => httpFrom(client, ip, 80)),
        );
        const pods = new Set(answers.map(({ cluster, pod }) => `${cluster} ${pod}`));
        return pods.size === 4 ? answers : undefined;
      });
      expect(new Set(seen.map(({ client: address }) => address)).size).toBe(1);
    }
  });

  test("TCP, UDP and ICMP to each endpoint", async () => {
    const [client] = world.cluster("c").clients;
    for (const { cluster, address } of await service.offered("c", ["a", "b"])) {
      expect(await httpFrom(client, address, HTTP)).toMatchObject({ cluster, podIp: address });
      expect(await whoByUdp(client, address, UDP)).toBe("10.3.1.241");
      expect(await pingFrom(client, address)).toBe("answered");
    }
  });

  test("bytes arrive whole and in order, both ways", async () => {
    const [client] = world.cluster("c").clients;
    const [backend] = await service.offered("c", ["a", "b"]);
    const answer = await client?.ask({
      kind: "tcp",
      host: backend?.address ?? "",
      port: HTTP,
      bytes: 8_000_000,
      timeoutMs: 30_000,
    });
    expect(answer).toMatchObject({ kind: "tcp", bytes: 8_000_000, intact: true });
  });

  test("an underlay opens more than what is exported: that is what it is", async () => {
    const [client] = world.cluster("c").clients;
    const [backend] = await service.offered("c", ["a", "b"]);
    expect(await httpFrom(client, backend?.address ?? "", UNEXPORTED)).toMatchObject({
      cluster: "a",
    });
  });
});

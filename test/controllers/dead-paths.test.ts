import { describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { DEFAULT_STALE_AFTER_MS } from "../../api/liveness.ts";
import { serviceKey } from "../../api/service-key.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

/** What controllers may take of the second that detection and withdrawal have together. */
const WITHDRAWN_MS = 100;

/** `east` and `west` export `web`; `north` only looks on. */
async function threeMembers(
  world: MemberWorld,
): Promise<Record<"east" | "west" | "north", TestCluster>> {
  const east = await world.member("east");
  await east.exported({ ports: [{ name: "http", port: 80 }] });
  await world.settle();
  const west = await world.member("west");
  await west.exported();
  const north = await world.member("north");
  await world.settle();
  return { east, west, north };
}

/** Names of a dozen services, which `east` and `west` export besides. */
const DOZEN = Array.from({ length: 12 }, (_, at) => `many-${at}`);

async function exportDozen(...clusters: readonly TestCluster[]): Promise<void> {
  for (const cluster of clusters) {
    for (const [at, name] of DOZEN.entries()) {
      await cluster.service({}, name);
      const labels = { "kubernetes.io/service-name": name };
      const metadata = { namespace: "shop", name: `${name}-1`, labels };
      const address = `10.${cluster.name.charCodeAt(0)}.1.${at}`;
      await cluster.slice(`${name}-1`, [address], { metadata });
      await cluster.export({}, name);
    }
  }
}

const dozenBacking = async (cluster: TestCluster): Promise<readonly string[]> => {
  const found = await Promise.all(DOZEN.map((name) => cluster.backends(name)));
  return [...new Set(found.map((one) => Object.keys(one).join()))];
};

const backing = async (cluster: TestCluster): Promise<readonly string[]> =>
  Object.keys(await cluster.backends());

describe("a data path that probes prove (design, decision 6)", () => {
  test("dead: its endpoints go at once and come back when it heals, here alone (I8)", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    const before = await north.import();
    north.paths.prove(east.id, "dead");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["west"]);
    expect(await backing(west)).toEqual(["east", "west"]);
    // Its part in the merge stays (CLN-07): a flap changes no port.
    expect((await north.import())?.spec).toEqual(before?.spec);
    await world.expectNoChurn();
    north.paths.prove(east.id, "alive");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["east", "west"]);
    await world.expectNoChurn();
  });

  test("dead while the broker is away: the same", async () => {
    await using world = new MemberWorld();
    const { east, north } = await threeMembers(world);
    world.broker.stop();
    north.paths.prove(east.id, "dead");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["west"]);
  });

  test("alive: endpoints stay though the broker has lost their cluster", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    north.paths.prove(east.id, "alive");
    world.broker.cut(east.id);
    await world.clock.advance(3 * DEFAULT_STALE_AFTER_MS);
    expect(await backing(north)).toEqual(["east", "west"]);
    // Where nothing is measured, the broker's word counts.
    expect(await backing(west)).toEqual(["west"]);
    north.paths.prove(east.id, "unknown");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["west"]);
  });

  test("all dead: it is we who are cut off, endpoints stay (CLN-08)", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    await north.exported({}, ["10.110.0.1"]);
    await world.settle();
    north.paths.prove(east.id, "dead");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["north", "west"]);
    north.paths.prove(west.id, "dead");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["east", "north", "west"]);
    north.paths.prove(east.id, "alive");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["east", "north"]);
  });

  test("dead, and nobody else to answer: the last endpoints stay (CLN-08)", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    north.paths.prove(east.id, "dead");
    await world.settle();
    await west.patch(ENDPOINT_SLICES, "web-1", { endpoints: [] });
    await world.settle();
    expect((await north.backends())["east"]).toEqual(["10.101.0.1"]);
  });

  test("dead for one service alone, which is pinned to it: no other is touched", async () => {
    await using world = new MemberWorld();
    const { east, north } = await threeMembers(world);
    north.paths.prove(east.id, "dead", serviceKey("shop", "web"));
    await world.clock.advance(WITHDRAWN_MS);
    expect(await backing(north)).toEqual(["west"]);
    expect(north.paths.health(east.id)).toBe("unknown");
  });

  test("dead: slices of many services go in one request, and are made again when it heals", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    await exportDozen(east, west);
    await world.settle();
    // Nobody else has it: its endpoints stay (CLN-08).
    await west.unexport(DOZEN[0]);
    await world.settle();
    expect(await dozenBacking(north)).toEqual(["east", "east,west"]);
    north.clearWrites();
    north.paths.prove(east.id, "dead");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await dozenBacking(north)).toEqual(["east", "west"]);
    const path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
    expect(north.writes).toEqual([expect.objectContaining({ verb: "deletecollection", path })]);
    await world.expectNoChurn();
    north.paths.prove(east.id, "alive");
    await world.clock.advance(WITHDRAWN_MS);
    expect(await dozenBacking(north)).toEqual(["east", "east,west"]);
    await world.expectNoChurn();
  });

  test.each(["before", "after"] as const)(
    "dead, and the one request fails (%s the server did it): slices go one by one",
    async (failing) => {
      await using world = new MemberWorld();
      const { east, west, north } = await threeMembers(world);
      await exportDozen(east, west);
      await world.settle();
      north.clearWrites();
      north.inject(({ verb }, moment) =>
        verb === "deletecollection" && moment === failing
          ? { kind: "forbidden", status: 403, message: "injected" }
          : undefined,
      );
      north.paths.prove(east.id, "dead");
      await world.settle();
      expect(await dozenBacking(north)).toEqual(["west"]);
      expect(await backing(north)).toEqual(["west"]);
      await world.expectNoChurn();
    },
  );

  test("dead and alive again within a moment: nothing is missing afterwards", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    await exportDozen(east, west);
    await world.settle();
    for (const ms of [0, 20, 49, 50, 51, 52, 53, 60]) {
      north.paths.prove(east.id, "dead");
      await world.clock.advance(ms);
      north.paths.prove(east.id, "alive");
      await world.settle();
      expect(await dozenBacking(north)).toEqual(["east,west"]);
    }
  });
});

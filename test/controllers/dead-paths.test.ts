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
});

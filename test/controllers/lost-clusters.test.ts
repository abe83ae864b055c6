import { describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { DEFAULT_STALE_AFTER_MS } from "../../api/liveness.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

/** Three silent heartbeats, a judgement, and the writes that follow. */
const DETECTION_MS = 20_000;
const BOUND_MS = DEFAULT_STALE_AFTER_MS + DETECTION_MS;

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

describe("a lost cluster (CLN-05, CLN-06, I8)", () => {
  test("loses its endpoints within the bound, nobody else does, and it keeps its part in the merge (CLN-07)", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    const before = await north.import();
    world.broker.cut(east.id);
    await world.clock.advance(DEFAULT_STALE_AFTER_MS - 1_000);
    expect(Object.keys(await north.backends())).toEqual(["east", "west"]);
    await world.clock.advance(BOUND_MS);
    for (const cluster of [north, west]) {
      expect(await cluster.backends()).toEqual({ west: ["10.119.0.1"] });
    }
    const after = await north.import();
    expect(after?.spec).toEqual(before?.spec);
    expect(after?.status?.clusters?.map(({ cluster }) => cluster)).toEqual(["east", "west"]);
    // It is cut off itself: it concludes nothing about others.
    expect(Object.keys(await east.backends())).toEqual(["east", "west"]);
    await world.expectNoChurn();
  });

  test("gets them back when it is heard again", async () => {
    await using world = new MemberWorld();
    const { east, north } = await threeMembers(world);
    world.broker.cut(east.id);
    await world.clock.advance(2 * BOUND_MS);
    world.broker.heal(east.id);
    await world.clock.advance(DETECTION_MS);
    expect(Object.keys(await north.backends())).toEqual(["east", "west"]);
    await world.expectNoChurn();
  });

  test("that is back in time costs nobody a write (I9)", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    for (const cluster of [east, west, north]) cluster.clearWrites();
    for (let flap = 0; flap < 3; flap++) {
      world.broker.cut(east.id);
      await world.clock.advance(DEFAULT_STALE_AFTER_MS / 2);
      world.broker.heal(east.id);
      await world.clock.advance(DETECTION_MS);
    }
    expect([east, west, north].flatMap(({ writes }) => writes)).toEqual([]);
  });

  test("keeps endpoints that are the last to answer (CLN-08)", async () => {
    await using world = new MemberWorld();
    const east = await world.member("east");
    await east.exported();
    const [west, north] = [await world.member("west"), await world.member("north")];
    // The other exporter has no ready endpoint, so it cannot answer in its place.
    await west.service();
    await west.export();
    await world.settle();
    world.broker.cut(east.id);
    await world.clock.advance(2 * BOUND_MS);
    expect(await north.backends()).toEqual({ east: ["10.101.0.1"] });
    // Now another one can.
    await west.slice("web-1", ["10.119.0.1"]);
    await world.settle();
    expect(await north.backends()).toEqual({ west: ["10.119.0.1"] });
  });

  test("is not told from being cut off when everybody is lost: endpoints stay (CLN-08)", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    await north.exported({}, ["10.110.0.1"]);
    await world.settle();
    world.broker.cut(east.id);
    world.broker.cut(west.id);
    await world.clock.advance(2 * BOUND_MS);
    expect(Object.keys(await north.backends())).toEqual(["east", "north", "west"]);
    // Somebody is heard: so the one that is not is lost indeed.
    world.broker.heal(west.id);
    await world.clock.advance(DETECTION_MS);
    expect(Object.keys(await north.backends())).toEqual(["north", "west"]);
  });

  test("of two is lost when the broker hears the other", async () => {
    await using world = new MemberWorld();
    const [east, west] = [await world.member("east"), await world.member("west")];
    await east.exported();
    await west.exported();
    await world.settle();
    world.broker.cut(east.id);
    await world.clock.advance(BOUND_MS);
    expect(Object.keys(await west.backends())).toEqual(["west"]);
  });
});

describe("a broker that was away (I7)", () => {
  test("has declared nobody lost, however long", async () => {
    await using world = new MemberWorld();
    const { east, west, north } = await threeMembers(world);
    for (const cluster of [east, west, north]) cluster.clearWrites();
    world.broker.stop();
    await world.clock.advance(10 * BOUND_MS);
    world.broker.start();
    await world.clock.advance(BOUND_MS);
    expect([east, west, north].flatMap(({ writes }) => writes)).toEqual([]);
  });

  test("gives those it has not heard yet their whole time again", async () => {
    await using world = new MemberWorld();
    const { east, north } = await threeMembers(world);
    world.broker.cut(east.id);
    await world.clock.advance(DEFAULT_STALE_AFTER_MS / 2);
    world.broker.stop();
    await world.clock.advance(BOUND_MS);
    world.broker.start();
    await world.clock.advance(DEFAULT_STALE_AFTER_MS - 1_000);
    expect(Object.keys(await north.backends())).toEqual(["east", "west"]);
    await world.clock.advance(BOUND_MS);
    expect(Object.keys(await north.backends())).toEqual(["west"]);
  });
});

describe("unknown is not none (I4, I6)", () => {
  test("an import outlives a broker that lost its store and an importer that starts meanwhile", async () => {
    await using world = new MemberWorld();
    const east = await world.member("east");
    await east.exported();
    const [west, north] = [await world.member("west"), await world.member("north")];
    const before = await north.import();
    world.broker.cut(east.id);
    world.broker.loseStore();
    north.restart();
    north.clearWrites();
    await world.clock.advance(2 * BOUND_MS);
    expect((await north.import())?.spec.ips).toEqual(before?.spec.ips);
    expect(await north.backends()).toEqual({ east: ["10.101.0.1"] });
    expect(north.writes).toEqual([]);
    world.broker.heal(east.id);
    await world.clock.advance(DETECTION_MS);
    expect((await north.import())?.metadata.uid).toBe(before?.metadata.uid);
    await east.unexport();
    await world.settle();
    expect([await north.import(), await west.import()]).toEqual([undefined, undefined]);
  });

  test("nobody waits for ever for a cluster that the broker never heard of", async () => {
    await using world = new MemberWorld();
    const east = await world.member("east");
    await east.exported();
    const north = await world.member("north");
    east.stop();
    world.broker.loseStore();
    north.restart();
    await world.clock.advance(2 * BOUND_MS);
    expect(await north.import()).toBeDefined();
    await world.clock.advance(3_600_000);
    expect(await north.import()).toBeUndefined();
    expect(await north.slices()).toEqual([]);
  });

  test("a label that a user wrote on a slice of ours keeps no import", async () => {
    await using world = new MemberWorld();
    const east = await world.member("east");
    await east.exported();
    const north = await world.member("north");
    await world.clock.advance(BOUND_MS);
    const [slice] = await north.slices();
    north.stop();
    await north.patch(ENDPOINT_SLICES, slice?.metadata.name ?? "", {
      metadata: { labels: { [LABEL_SOURCE_CLUSTER]: "nowhere" } },
    });
    await east.unexport();
    await world.settle();
    north.start();
    await world.clock.advance(BOUND_MS);
    expect([await north.import(), await north.slices()]).toEqual([undefined, []]);
  });

  test("an owner that begins a new life while an importer starts keeps its import (CLN-13)", async () => {
    await using world = new MemberWorld();
    const east = await world.member("east");
    await east.exported();
    const north = await world.member("north");
    const before = await north.import();
    // Its new life has begun at the broker, which has not been sent its rows yet.
    east.stop();
    const member = { cluster: east.id, incarnation: 2, joinedAtMs: 0, certificateSerial: "02" };
    await world.broker.store.putMember(member);
    north.restart();
    await world.settle();
    expect((await north.import())?.metadata.uid).toBe(before?.metadata.uid);
    east.start(2);
    await world.settle();
    expect((await north.import())?.metadata.uid).toBe(before?.metadata.uid);
    expect(await north.backends()).toEqual({ east: ["10.101.0.1"] });
  });

  test("a cluster that left is known to have nothing, by importers too that start later", async () => {
    await using world = new MemberWorld();
    const east = await world.member("east");
    await east.exported();
    const north = await world.member("north");
    north.stop();
    east.stop();
    await world.broker.store.removeMember(east.id);
    north.start();
    await world.settle();
    expect([await north.import(), await north.slices()]).toEqual([undefined, []]);
  });
});

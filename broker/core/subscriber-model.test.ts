import * as fc from "fast-check";
import { expect, test } from "vitest";
import { testCluster } from "../wire/row-arbitrary.ts";
import { NAMESPACES, OWNERS, SubscriberWorld as World } from "./subscriber-world.ts";

/*
 * The law: whatever happens in whatever order (writes, completions, rejoins, leaves, subscriptions, partial
 * reads, disconnects, other policies, other audiences, brokers with and without network rows, a broker that restarts or loses its store), a member that applies what it is sent ends with the table
 * filtered by its subscription (network rows: all of them), by policy and by what is for it, and has never heard of what is not. The member here is written from broker.proto alone.
 */

const anyOwner = fc.constantFrom(...OWNERS);
const anyNamespace = fc.constantFrom(...NAMESPACES);
const anyAudience = fc.constantFrom(
  undefined,
  undefined,
  [testCluster("self")],
  [testCluster("other")],
  [testCluster("other"), testCluster("self")],
  [],
);
type Step = (world: World) => void;
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(anyOwner, anyNamespace, fc.constantFrom("x", "y"), fc.boolean(), anyAudience)
      .map(
        ([owner, namespace, name, isPut, audience]): Step =>
          (world) =>
            world.write(owner, namespace, name, isPut, audience),
      ),
  },
  {
    weight: 8,
    arbitrary: fc.nat(6).map(
      (count): Step =>
        (world) =>
          world.read(count),
    ),
  },
  {
    weight: 4,
    arbitrary: anyOwner.map(
      (owner): Step =>
        (world) =>
          world.complete(owner),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(anyNamespace, fc.boolean()).map(
      ([namespace, isAdd]): Step =>
        (world) =>
          world.subscribe(namespace, isAdd),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(anyOwner, fc.boolean()).map(
      ([owner, isPut]): Step =>
        (world) =>
          world.writeNetwork(owner, isPut),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.changeVersion()) },
  { weight: 3, arbitrary: fc.constant<Step>((world) => world.connect()) },
  {
    weight: 2,
    arbitrary: anyNamespace.map(
      (namespace): Step =>
        (world) =>
          world.changePolicy(namespace),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.disconnect()) },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.restart()) },
  {
    weight: 1,
    arbitrary: anyOwner.map(
      (owner): Step =>
        (world) =>
          world.rejoin(owner),
    ),
  },
  {
    weight: 1,
    arbitrary: anyOwner.map(
      (owner): Step =>
        (world) =>
          world.leave(owner),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((world) => {
      world.loseStore();
      world.refill();
    }),
  },
);

test("a member that applies what it is sent ends with the table filtered by its subscription and by policy (I1, I2)", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), (steps) => {
      const world = new World();
      world.connect();
      for (const step of steps) step(world);
      if (!world.hasNetworks) world.changeVersion();
      if (world.subscriber === undefined) world.connect();
      // What is still incomplete says nothing: its owner ends by confirming it.
      for (const cluster of world.truth.keys()) world.complete(cluster);
      world.read(Number.MAX_SAFE_INTEGER);
      expect(world.shown()).toEqual(world.expected());
      expect(world.member.syncedGeneration).toBe(world.generation);
      // And is sent nothing again when it comes back and nothing has changed.
      world.connect();
      const before = world.sequence;
      let rows = 0;
      for (
        let said = world.subscriber?.pull();
        said !== undefined;
        said = world.subscriber?.pull()
      ) {
        if (said.kind === "row" || said.message.$case === "rowDelete") rows += 1;
        world.hear(said);
      }
      expect([rows, world.sequence]).toEqual([0, before]);
    }),
    { numRuns: 1500 },
  );
});

test("few rows whose audience changes all the time: the member ends with what is for it, and never hears of the rest (I2)", () => {
  const audience = fc.constantFrom(undefined, [testCluster("self")], [testCluster("other")], []);
  const write = fc.tuple(fc.constantFrom("x", "y", "z"), fc.boolean(), audience).map(
    ([name, isPut, clusters]): Step =>
      (world) =>
        world.write(testCluster("a"), "n1", name, isPut, clusters),
  );
  const read = fc.constantFrom(1, 2, 100).map(
    (count): Step =>
      (world) =>
        world.read(count),
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 10, arbitrary: write },
    { weight: 6, arbitrary: read },
    { weight: 1, arbitrary: fc.constant<Step>((world) => world.connect()) },
    {
      weight: 1,
      arbitrary: fc.constant<Step>((world) => {
        world.restart();
        world.connect();
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const world = new World();
      world.subscribe("n1", true);
      world.connect();
      world.complete(testCluster("a"));
      for (const one of steps) one(world);
      if (world.subscriber === undefined) world.connect();
      world.read(Number.MAX_SAFE_INTEGER);
      expect(world.shown()).toEqual(world.expected());
    }),
    { numRuns: 2000 },
  );
});

test("a Subscribe in the middle of an owner's rows is answered before Synced says so", () => {
  const world = new World();
  world.write(testCluster("a"), "n1", "x", true);
  world.complete(testCluster("a"));
  world.connect();
  world.read(1);
  world.subscribe("n1", true);
  while (world.member.syncedGeneration !== 1) world.read(1);
  expect(world.shown()).toEqual(world.expected());
});

test("a deletion is told though its tombstone is forgotten while others are being told", () => {
  const world = new World();
  const a = testCluster("a");
  world.write(a, "n1", "x", true);
  world.complete(a);
  world.subscribe("n1", true);
  world.connect();
  world.read(Number.MAX_SAFE_INTEGER);
  world.write(a, "n1", "x", false);
  world.write(a, "n1", "y", false);
  // Begins to tell of both, y first: x was subscribed before.
  world.subscribe("n2", true);
  world.read(1);
  // The table keeps two tombstones: that of x goes.
  world.write(a, "n1", "z", false);
  world.read(Number.MAX_SAFE_INTEGER);
  expect(world.shown()).toEqual(new Map());
});

test("a row that was deleted, forgotten and made anew for others, all in the middle of a pass, is taken from the member", () => {
  const world = new World();
  const a = testCluster("a");
  world.subscribe("n1", true);
  world.connect();
  world.complete(a);
  world.write(a, "n1", "x", true);
  world.read(100);
  world.write(a, "n1", "y", false);
  world.write(a, "n1", "x", false);
  world.read(1);
  // The table remembers two deletions: that of x is forgotten.
  world.write(a, "n1", "y", false);
  world.write(a, "n1", "z", false);
  world.write(a, "n1", "x", true, []);
  world.read(100);
  expect(world.shown()).toEqual(world.expected());
});

test("rows of a life that ended in the middle of being sent are not sent on (CLN-13)", () => {
  const world = new World();
  for (const name of ["x", "y"]) world.write(testCluster("a"), "n1", name, true);
  world.complete(testCluster("a"));
  world.subscribe("n1", true);
  world.connect();
  const said = (): string | undefined => {
    const outgoing = world.subscriber?.pull();
    return outgoing?.kind === "message" ? outgoing.message.$case : outgoing?.kind;
  };
  expect([said(), said()]).toEqual(["ownerReset", "row"]);
  world.leave(testCluster("a"));
  expect([said(), said(), said()]).toEqual(["ownerGone", "synced", undefined]);
});

test("who is left out of a row is told once, and hears nothing of what becomes of it", () => {
  const world = new World();
  const [a, others] = [testCluster("a"), [testCluster("other")]];
  const said = (): readonly (string | undefined)[] => {
    const all: (string | undefined)[] = [];
    for (let one = world.subscriber?.pull(); one !== undefined; one = world.subscriber?.pull()) {
      all.push(one.kind === "row" ? "row" : one.message.$case);
      world.hear(one);
    }
    return all;
  };
  world.write(a, "n1", "x", true);
  world.complete(a);
  world.subscribe("n1", true);
  world.connect();
  said();
  world.write(a, "n1", "x", true, others);
  expect(said()).toEqual(["rowDelete", "ownerComplete"]);
  world.write(a, "n1", "x", true, others);
  expect(said()).toEqual([]);
  world.write(a, "n1", "x", false);
  expect(said()).toEqual([]);
});

import { expect, test } from "vitest";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { ANNOTATION_LIVENESS } from "../../api/mcs/labels.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

const STALE_MS = 60_000;
const WITH_LEASES = { leaseNamespace: "isthmus-system" };

interface Seen {
  readonly name: string;
  readonly holder: string | undefined;
  readonly seconds: number | undefined;
  readonly age: number;
  readonly liveness: string | undefined;
}

async function leases(world: MemberWorld, cluster: TestCluster): Promise<readonly Seen[]> {
  const found = await cluster.list<Lease>(LEASES);
  return found.map(({ metadata, spec }) => ({
    name: metadata.name,
    holder: spec?.holderIdentity,
    seconds: spec?.leaseDurationSeconds,
    liveness: metadata.annotations?.[ANNOTATION_LIVENESS],
    age: Math.round((world.clock.nowMs() - Date.parse(spec?.renewTime ?? "")) / 1_000),
  }));
}

test("one Lease per source cluster, renewed while it is heard, expired when it is not, gone when it left (CLN-06)", async () => {
  await using world = new MemberWorld();
  const east = await world.member("east");
  const west = await world.cluster("west", WITH_LEASES);
  await west.namespace("isthmus-system");
  west.start();
  await world.clock.advance(5 * STALE_MS);
  const [heard, ...others] = await leases(world, west);
  expect(others).toEqual([]);
  expect(heard).toMatchObject({ name: "isthmus-peer-east", holder: "east", seconds: 60 });
  expect(heard?.age).toBeLessThanOrEqual(STALE_MS / 3_000 + 1);

  world.broker.cut(east.id);
  await world.clock.advance(STALE_MS / 2);
  expect((await leases(world, west))[0]?.liveness).toBe("suspect");
  await world.clock.advance(2 * STALE_MS);
  const [silent] = await leases(world, west);
  expect(silent?.age).toBeGreaterThan(60);
  expect(silent?.liveness).toBe("gone");

  world.broker.heal(east.id);
  await world.clock.advance(STALE_MS / 2);
  const [again] = await leases(world, west);
  expect(again?.age).toBeLessThanOrEqual(STALE_MS / 3_000 + 1);
  expect(again?.liveness).toBeUndefined();

  // Its controllers are not told in time: the next ones find what it left behind.
  west.stop();
  east.stop();
  await world.broker.store.removeMember(east.id);
  west.start();
  await world.settle();
  expect(await leases(world, west)).toEqual([]);
});

test("somebody else's Lease of that name is left alone (I3)", async () => {
  await using world = new MemberWorld();
  await world.member("east");
  const west = await world.cluster("west", WITH_LEASES);
  await west.namespace("isthmus-system");
  await west.create<Lease>(LEASES, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "isthmus-system", name: "isthmus-peer-east" },
    spec: { holderIdentity: "somebody" },
  });
  west.start();
  await world.clock.advance(3 * STALE_MS);
  const [lease] = await west.list<Lease>(LEASES);
  expect(lease?.spec).toEqual({ holderIdentity: "somebody" });
});

test("a namespace that does not exist is said once, and keeps nothing else from working", async () => {
  await using world = new MemberWorld();
  const east = await world.member("east");
  await east.exported();
  const west = await world.member("west", WITH_LEASES);
  await world.clock.advance(10 * STALE_MS);
  expect(await west.backends()).toEqual({ east: ["10.101.0.1"] });
  expect(west.log.messages).toEqual(["leases of clusters cannot be kept: namespace is missing"]);
  await west.namespace("isthmus-system");
  await world.clock.advance(2 * STALE_MS);
  expect(await leases(world, west)).toMatchObject([{ name: "isthmus-peer-east" }]);
});

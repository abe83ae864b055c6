import { afterEach, beforeEach, expect, test } from "vitest";
import { testResponder, zoneOf } from "../../dns-server/testing/test-responder.ts";
import { MemberWorld } from "../controllers/member-world.ts";
import type { TestCluster } from "../controllers/test-cluster.ts";

// Decision 0003 from end to end: what an export's annotations ask for, in the answers of each importer.

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.member("a");
  b = await world.member("b");
  for (const [cluster, address] of [
    [a, "10.97.0.1"],
    [b, "10.98.0.1"],
  ] as const) {
    await cluster.service({ clusterIP: "None" });
    await cluster.slice("web-1", [address]);
  }
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** Addresses of the service as the DNS server of this cluster answers them. */
async function addressesIn(cluster: TestCluster, balancing = true): Promise<readonly string[]> {
  const found = await cluster.import();
  if (found === undefined) return [];
  const { ask } = testResponder(
    zoneOf({
      imports: [found],
      slices: await cluster.slices(),
      policy: balancing ? { balancing: { localCluster: cluster.id } } : {},
    }),
  );
  const [, ...records] = ask("web.shop.svc.clusterset.local A");
  return records.map((record) => record.split(" ").at(-1) ?? "").toSorted();
}

test("affinity travels with the oldest export, and each cluster prefers its own endpoints", async () => {
  await a.export({ exportedAnnotations: { "dns.isthmus.dev/affinity": "local" } });
  await world.clock.advance(1_100);
  await b.export();
  await world.settle();
  expect(await addressesIn(a)).toEqual(["10.97.0.1"]);
  expect(await addressesIn(b)).toEqual(["10.98.0.1"]);
  expect(await addressesIn(b, false)).toEqual(["10.97.0.1", "10.98.0.1"]);
});

test("a younger export's wish does not count", async () => {
  await a.export();
  await world.clock.advance(1_100);
  await b.export({ exportedAnnotations: { "dns.isthmus.dev/weights": "a=0" } });
  await world.settle();
  expect(await addressesIn(a)).toEqual(["10.97.0.1", "10.98.0.1"]);
});

test("a cluster of weight 0 is drained everywhere", async () => {
  await a.export({ exportedAnnotations: { "dns.isthmus.dev/weights": "a=0" } });
  await b.export({ exportedAnnotations: { "dns.isthmus.dev/weights": "a=0" } });
  await world.settle();
  for (const cluster of [a, b]) expect(await addressesIn(cluster)).toEqual(["10.98.0.1"]);
});

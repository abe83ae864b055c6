import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;
let c: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.member("a");
  b = await world.member("b");
  c = await world.member("c");
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

async function exportTo(cluster: TestCluster, clusters: string | null): Promise<void> {
  const annotations = { "isthmus.dev/export-to": clusters };
  await cluster.patch(serviceExports(), "web", { metadata: { annotations } });
  await world.settle();
}

async function message(cluster: TestCluster, type: string): Promise<string> {
  const found = await cluster.find<ServiceExport>(serviceExports(), "web");
  return found?.status?.conditions?.find((condition) => condition.type === type)?.message ?? "";
}

async function exporters(cluster: TestCluster): Promise<readonly string[]> {
  return ((await cluster.import())?.status?.clusters ?? []).map(({ cluster: id }) => id);
}

describe("an export to chosen clusters (enhancements PR 6329)", () => {
  test("reaches those and its own, and no row of it any other (I2)", async () => {
    await a.exported();
    await exportTo(a, "b");
    expect(await exporters(a)).toEqual(["a"]);
    expect(await exporters(b)).toEqual(["a"]);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
    expect(await c.import()).toBeUndefined();
    expect(await c.slices()).toEqual([]);
    expect(c.foreignServices).toEqual([]);
    expect(await message(a, "Ready")).toBe(
      "stored by the broker and offered to these clusters alone: b",
    );
  });

  test("leaves a cluster that is no longer chosen with nothing, and comes to one that is", async () => {
    await a.exported();
    await world.settle();
    expect(await exporters(c)).toEqual(["a"]);
    await exportTo(a, "b");
    expect(await c.import()).toBeUndefined();
    expect(c.foreignServices).toEqual([]);
    await exportTo(a, "c");
    expect(await b.import()).toBeUndefined();
    expect(await c.backends()).toEqual({ a: ["10.97.0.1"] });
    await exportTo(a, null);
    expect([await exporters(b), await exporters(c)]).toEqual([["a"], ["a"]]);
    expect(await message(a, "Ready")).toBe("stored by the broker and offered to the clusterset");
  });

  test("is narrowed also for a cluster that is away, and after the broker has restarted", async () => {
    await a.exported();
    await world.settle();
    world.broker.cut(c.id);
    await exportTo(a, "b");
    world.broker.stop();
    world.broker.start();
    await world.settle();
    expect(await exporters(c)).toEqual(["a"]);
    world.broker.heal(c.id);
    await world.settle(30_000);
    expect(await c.import()).toBeUndefined();
    expect(c.foreignServices).toEqual([]);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("each cluster merges what reaches it, and conflicts are among what it sees", async () => {
    await a.exported();
    await exportTo(a, "c");
    await world.clock.advance(2_000);
    await b.exported({ type: "ClusterIP", clusterIP: "None" });
    await world.settle();
    // b never hears of a's export: its own decides there, and nothing conflicts with it.
    expect((await b.import())?.spec.type).toBe("Headless");
    expect((await b.conditions())["Conflict"]).toBe("False/NoConflicts");
    // a and c see both: the older one decides.
    for (const cluster of [a, c]) {
      expect(await exporters(cluster)).toEqual(["a", "b"]);
      expect((await cluster.import())?.spec.type).toBe("ClusterSetIP");
    }
    expect((await a.conditions())["Conflict"]).toBe("True/TypeConflict");
  });

  test("that cannot be understood is an export to nobody, and says so", async () => {
    await a.exported();
    await world.settle();
    await exportTo(a, "b, C");
    expect(await a.conditions()).toEqual({
      Valid: "False/InvalidExportTo",
      Ready: "False/Pending",
    });
    expect(await message(a, "Valid")).toMatch(/must be cluster ids .*: got "C"$/);
    expect([await b.import(), await c.import()]).toEqual([undefined, undefined]);
  });

  test("changes of its endpoints reach the chosen clusters alone", async () => {
    await a.exported();
    await b.exported();
    await exportTo(a, "b");
    await a.slice("web-2", ["10.97.0.2"]);
    await world.settle();
    expect(await b.backends()).toEqual({ a: ["10.97.0.1", "10.97.0.2"], b: ["10.98.0.1"] });
    expect(await c.backends()).toEqual({ b: ["10.98.0.1"] });
    await a.unexport();
    await world.settle();
    expect(await b.backends()).toEqual({ b: ["10.98.0.1"] });
  });
});

import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { aNamespace, anImport, aSlice } from "../testing/objects.ts";
import { testResponder } from "../testing/test-responder.ts";
import type { EndpointPolicy } from "../zone/choose-endpoints.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";
import { ZoneSource } from "./zone-source.ts";

const deps = { log: silentLogger };

class World {
  readonly clock = new VirtualClock();
  readonly imports = new ObjectStore<ServiceImport>({}, deps);
  readonly slices = new ObjectStore<EndpointSlice>({}, deps);
  readonly namespaces = new ObjectStore<Namespace>({}, deps);
  readonly published: {
    readonly zone: ZoneSnapshot;
    readonly changed: readonly ServiceKey[];
    readonly rebuildMs: number;
  }[] = [];
  readonly problems: unknown[] = [];
  /** What deriving a service costs that has a problem. */
  problemMs = 0;
  readonly answers = testResponder(undefined);
  readonly source: ZoneSource;

  constructor(endpoints: EndpointPolicy = {}) {
    const { imports, slices, namespaces } = this;
    let spentMs = 0;
    const log = {
      ...silentLogger,
      warn: (_: string, fields: unknown) => {
        this.problems.push(fields);
        spentMs += this.problemMs;
      },
    };
    const clock: Clock = {
      nowMs: () => this.clock.nowMs() + spentMs,
      monotonicMs: () => this.clock.monotonicMs() + spentMs,
      setTimer: (delayMs, callback) => this.clock.setTimer(delayMs, callback),
    };
    this.source = new ZoneSource(
      { zone: "clusterset.local", endpoints },
      { imports, slices, namespaces, clock, log },
      (zone, changed, rebuildMs) => {
        this.published.push({ zone, changed: [...changed], rebuildMs });
        this.answers.responder.setZone(zone, changed);
      },
    );
  }

  /** A synced world with namespace `shop`. */
  static async synced(endpoints?: EndpointPolicy): Promise<World> {
    const world = new World(endpoints);
    world.source.start();
    world.namespaces.put(aNamespace("shop"));
    for (const view of [world.imports, world.slices, world.namespaces]) view.markSynced();
    await world.clock.advance(50);
    return world;
  }

  async ask(question: string): Promise<readonly string[]> {
    await this.clock.advance(50);
    return this.answers.ask(question);
  }
}

const WEB = "web.shop.svc.clusterset.local A";

describe("DNS-42: readiness", () => {
  test.each([
    { missing: "imports", views: ["slices", "namespaces"] },
    { missing: "slices", views: ["imports", "namespaces"] },
    { missing: "namespaces", views: ["imports", "slices"] },
  ] as const)(
    "SERVFAIL while $missing has not synced, right answers afterwards",
    async ({ missing, views }) => {
      const world = new World();
      world.source.start();
      world.namespaces.put(aNamespace("shop"));
      world.imports.put(anImport({ ips: ["10.0.0.1"] }));
      for (const view of views) world[view].markSynced();
      expect(await world.ask(WEB)).toEqual(["SERVFAIL"]);
      expect(world.source.isReady).toBe(false);
      world[missing].markSynced();
      expect(await world.ask(WEB)).toEqual([
        "NOERROR aa",
        "web.shop.svc.clusterset.local 5 IN A 10.0.0.1",
      ]);
      expect(world.source.isReady).toBe(true);
    },
  );

  test("views that were full before the start", async () => {
    const world = new World();
    world.namespaces.put(aNamespace("shop"));
    world.imports.put(anImport({ isHeadless: true }));
    world.slices.put(aSlice({ endpoints: ["10.0.0.1"] }));
    for (const view of [world.imports, world.slices, world.namespaces]) view.markSynced();
    world.source.start();
    expect((await world.ask(WEB))[1]).toContain("10.0.0.1");
  });

  test("an empty clusterset is ready and says NXDOMAIN", async () => {
    const world = await World.synced();
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
  });

  test("the first zone is published whole, however many services there are", async () => {
    const world = new World();
    world.source.start();
    world.namespaces.put(aNamespace("shop"));
    for (let index = 0; index < 1000; index++)
      world.imports.put(anImport({ key: `shop/s${index}` }));
    for (const view of [world.imports, world.slices, world.namespaces]) view.markSynced();
    await world.clock.advance(100);
    expect(world.published.map(({ zone }) => zone.serviceCount)).toEqual([1000]);
  });
});

describe("changes", () => {
  test("import, slices and namespace may come and go in any order (regression 12)", async () => {
    const world = await World.synced();
    world.slices.put(aSlice({ endpoints: ["10.0.0.1"] }));
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
    world.imports.put(anImport({ isHeadless: true }));
    expect((await world.ask(WEB))[1]).toContain("10.0.0.1");
    world.namespaces.remove("shop");
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
    world.namespaces.put(aNamespace("shop"));
    expect((await world.ask(WEB))[1]).toContain("10.0.0.1");
    world.imports.remove("shop/web");
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
    world.imports.put(anImport({ isHeadless: true }));
    world.slices.remove("shop/web-east-v4");
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
  });

  test("a slice whose label moves to another service (regression 4)", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ isHeadless: true }));
    world.imports.put(anImport({ key: "shop/db", isHeadless: true }));
    world.slices.put(aSlice({ name: "s", endpoints: ["10.0.0.1"] }));
    expect((await world.ask(WEB))[1]).toContain("10.0.0.1");
    world.slices.put(aSlice({ key: "shop/db", name: "s", endpoints: ["10.0.0.1"] }));
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
    expect((await world.ask("db.shop.svc.clusterset.local A"))[1]).toContain("10.0.0.1");
  });

  test("a slice that is not an MCS slice is none of ours (I2)", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ isHeadless: true }));
    const slice = aSlice({ endpoints: ["10.0.0.1"] });
    const labels = { "kubernetes.io/service-name": "web" };
    world.slices.put({ ...slice, metadata: { ...slice.metadata, labels } });
    expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
  });

  test("a type flip both ways (IMP-29)", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ ips: ["10.96.0.1"] }));
    world.slices.put(aSlice({ endpoints: ["10.0.0.1=web-0"] }));
    expect((await world.ask(WEB))[1]).toContain("10.96.0.1");
    world.imports.put(anImport({ isHeadless: true }));
    expect((await world.ask(WEB))[1]).toContain("10.0.0.1");
    expect((await world.ask("web-0.east.web.shop.svc.clusterset.local A"))[1]).toContain(
      "10.0.0.1",
    );
    world.imports.put(anImport({ ips: ["10.96.0.2"] }));
    expect((await world.ask(WEB))[1]).toContain("10.96.0.2");
    expect((await world.ask("web-0.east.web.shop.svc.clusterset.local A"))[0]).toBe("NXDOMAIN aa");
  });

  test("events that come together are published once, with their services alone", async () => {
    const world = await World.synced();
    const before = world.published.length;
    for (let index = 0; index < 50; index++)
      world.imports.put(anImport({ ips: [`10.0.0.${index}`] }));
    world.imports.put(anImport({ key: "shop/db", ips: ["10.0.0.1"] }));
    await world.clock.advance(50);
    const [publication, ...more] = world.published.slice(before);
    expect(more).toEqual([]);
    expect(publication?.changed).toEqual(["shop/web", "shop/db"]);
  });

  test("I9: a change without effect on records publishes nothing", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ ips: ["10.0.0.1"] }));
    await world.clock.advance(50);
    const before = world.published.length;
    world.imports.put({
      ...anImport({ ips: ["10.0.0.1"] }),
      status: { clusters: [{ cluster: "east" }] },
    });
    world.slices.put(aSlice({ endpoints: ["10.0.0.1"] }));
    await world.clock.advance(50);
    expect(world.published.length).toBe(before);
  });

  test("serials only grow, also when the clock does not", async () => {
    const world = await World.synced();
    for (let index = 0; index < 20; index++) {
      world.imports.put(anImport({ ips: [`10.0.0.${index}`] }));
      await world.clock.advance(10);
    }
    const serials = world.published.map(({ zone }) => zone.serial);
    expect(serials.length).toBe(21);
    expect(serials).toEqual([...new Set(serials)].toSorted((left, right) => left - right));
  });

  test("I10: a published zone never changes afterwards", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ ips: ["10.0.0.1"] }));
    await world.clock.advance(50);
    const old = world.published.at(-1)?.zone;
    world.imports.put(anImport({ ips: ["10.0.0.2"] }));
    world.namespaces.remove("shop");
    await world.clock.advance(50);
    expect(testResponder(old).ask(WEB)[1]).toContain("10.0.0.1");
  });

  test("queries get their turn between batches of a large change", async () => {
    const world = await World.synced();
    const before = world.published.length;
    for (let index = 0; index < 1000; index++)
      world.imports.put(anImport({ key: `shop/s${index}` }));
    await world.clock.advance(50);
    expect(world.published.length - before).toBe(5);
  });

  test("and when deriving takes long: after each service, if need be", async () => {
    const world = await World.synced();
    const before = world.published.length;
    world.problemMs = 3;
    for (let index = 0; index < 10; index++)
      world.imports.put(anImport({ key: `shop/s${index}`, ips: ["nonsense"] }));
    await world.clock.advance(500);
    expect(world.published.length - before).toBe(10);
  });

  test("what has no record is logged with its service", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ ips: ["nonsense"] }));
    await world.clock.advance(50);
    expect(world.problems).toEqual([expect.objectContaining({ key: "shop/web", problemCount: 1 })]);
  });

  test("after stop nothing is published and no timer is left", async () => {
    const world = await World.synced();
    world.imports.put(anImport({ ips: ["10.0.0.1"] }));
    world.source.stop();
    const before = world.published.length;
    world.imports.put(anImport({ ips: ["10.0.0.2"] }));
    await world.clock.advance(100);
    expect(world.published.length).toBe(before);
    expect(world.clock.nextTimerMs()).toBeUndefined();
  });
});

test("each zone tells how long its first change has waited", async () => {
  const world = await World.synced();
  world.imports.put(anImport({ ips: ["10.0.0.1"] }));
  await world.clock.advance(3);
  world.imports.put(anImport({ ips: ["10.0.0.2"] }));
  await world.clock.advance(1000);
  world.imports.put(anImport({ ips: ["10.0.0.3"] }));
  await world.clock.advance(1000);
  expect(world.published.slice(1).map(({ rebuildMs }) => rebuildMs)).toEqual([5, 5]);
});

test("decision 0005: what was answered before decides around the local threshold, until the import goes", async () => {
  const world = await World.synced({ balancing: { localCluster: "east" } });
  const plain = anImport({ isHeadless: true });
  const annotations = { "dns.isthmus.dev/affinity": "local" };
  const prefersLocal = { ...plain, metadata: { ...plain.metadata, annotations } };
  world.imports.put(prefersLocal);
  world.slices.put(aSlice({ cluster: "west", endpoints: ["10.2.0.1"] }));
  const clustersWith = async (...endpoints: string[]): Promise<string> => {
    world.slices.put(aSlice({ cluster: "east", endpoints }));
    const answer = await world.ask(WEB);
    return answer.join().includes("10.2.0.1") ? "all" : "local";
  };
  const two = ["10.1.0.1", "10.1.0.2", "!10.1.0.3"] as const;
  const one = ["10.1.0.1", "!10.1.0.2", "!10.1.0.3"] as const;
  expect(await clustersWith(...two)).toBe("local");
  expect(await clustersWith(...one)).toBe("all");
  expect(await clustersWith(...two)).toBe("all");
  expect(await clustersWith("10.1.0.1", "10.1.0.2", "10.1.0.3")).toBe("local");
  expect(await clustersWith(...one)).toBe("all");
  world.imports.remove("shop/web");
  expect((await world.ask(WEB))[0]).toBe("NXDOMAIN aa");
  world.imports.put(prefersLocal);
  expect(await clustersWith(...two)).toBe("local");
});

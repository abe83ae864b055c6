import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.member("a");
  b = await world.member("b");
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

const FAULTS: readonly { readonly name: string; readonly error: KubeError }[] = [
  { name: "409 Conflict", error: { kind: "conflict", message: "modified", status: 409 } },
  {
    name: "429 with Retry-After",
    error: { kind: "throttled", message: "slow down", status: 429, retryAfterMs: 1_000 },
  },
  { name: "500", error: { kind: "unavailable", message: "internal error", status: 500 } },
  { name: "403", error: { kind: "forbidden", message: "not yet allowed", status: 403 } },
  { name: "no answer", error: { kind: "timeout", message: "no answer" } },
];
const MOMENTS = ["before", "after"] as const;

/** Long enough for any backoff to end. */
const LONG_MS = 35_000;

describe("every write fails once, before the server saw it and after: everything converges (I1)", () => {
  test.each(FAULTS.flatMap((fault) => MOMENTS.map((moment) => ({ ...fault, moment }))))(
    "$name $moment",
    async ({ error, moment }) => {
      const failed = new Set<string>();
      for (const member of [a, b]) {
        member.inject(({ verb, path }, now) => {
          if (now !== moment || !["create", "patch", "delete"].includes(verb)) return undefined;
          const key = `${member.name} ${verb} ${path}`;
          if (failed.has(key)) return undefined;
          failed.add(key);
          return error;
        });
      }
      await a.exported();
      await b.exported({ ports: [{ name: "other", port: 81 }] });
      await world.settle(LONG_MS);
      for (const member of [a, b]) {
        const found = await member.import();
        expect(found?.spec.ports).toHaveLength(2);
        expect(found?.spec.ips).toEqual((await member.derived())?.spec.clusterIPs);
        expect(found?.status?.clusters).toHaveLength(2);
        expect((await member.conditions())["Conflict"]).toBe("True/PortConflict");
      }
      await a.unexport();
      await b.unexport();
      await world.settle(LONG_MS);
      for (const member of [a, b]) {
        expect(await member.import()).toBeUndefined();
        expect(await member.derived()).toBeUndefined();
        expect(await member.slices()).toEqual([]);
      }
      // Both life and death of import, Service, slice and status met the fault.
      expect(failed.size).toBeGreaterThanOrEqual(16);
    },
  );
});

test("a failing write is tried again ever more slowly, not hot (EXP-23)", async () => {
  b.inject(({ verb, path }, moment) =>
    moment === "before" && verb === "create" && path.endsWith("/serviceimports")
      ? { kind: "unavailable", message: "down", status: 503 }
      : undefined,
  );
  await a.exported();
  b.clearWrites();
  await world.clock.advance(60_000);
  expect(b.writes.length).toBeGreaterThan(5);
  expect(b.writes.length).toBeLessThan(25);
  b.inject(() => undefined);
  await world.settle(LONG_MS);
  expect(await b.import()).toBeDefined();
});

test("a server that names a time is not asked again before it", async () => {
  b.inject(({ verb, path }, moment) =>
    moment === "before" && verb === "create" && path.endsWith("/serviceimports")
      ? { kind: "throttled", message: "slow down", status: 429, retryAfterMs: 20_000 }
      : undefined,
  );
  await a.exported();
  await world.clock.advance(1_000);
  b.clearWrites();
  await world.clock.advance(18_000);
  expect(b.writes).toEqual([]);
  await world.clock.advance(42_000);
  expect(b.writes.length).toBeGreaterThan(0);
  b.inject(() => undefined);
  await world.settle(LONG_MS);
});

describe("the clusterset IP cannot be had (IMP-27)", () => {
  test("addresses are used up: the import says so, and gets one when there is one", async () => {
    // Eight addresses: two are never given out, one is the API server's own.
    const c = await world.member("c", { serviceCidrs: ["10.99.0.0/29"] });
    for (let index = 0; index < 5; index += 1) await c.service({}, `other-${index}`);
    await a.exported();
    await world.settle();
    expect(await c.import()).toMatchObject({
      status: {
        clusters: [{ cluster: "a" }],
        conditions: [
          {
            type: "Ready",
            status: "False",
            reason: "Pending",
            message: expect.stringMatching(/cannot make the derived Service: .*(full|allocate)/),
          },
        ],
      },
    });
    expect((await c.import())?.spec.ips ?? []).toEqual([]);
    await c.remove(SERVICES, "other-0");
    await world.settle(LONG_MS);
    expect((await c.import())?.spec.ips).toHaveLength(1);
    expect((await c.import())?.status?.conditions).toMatchObject([{ status: "True" }]);
  });

  test("slices that may not be written are told in the import (IMP-28)", async () => {
    const stop = b.inject(({ verb, path }, moment) =>
      moment === "before" && verb === "create" && path.endsWith("/endpointslices")
        ? { kind: "forbidden", status: 403, message: "exceeded quota: slices" }
        : undefined,
    );
    await a.exported();
    await world.settle();
    expect(await b.import()).toMatchObject({
      status: {
        conditions: [
          {
            type: "Ready",
            status: "False",
            reason: "Pending",
            message: expect.stringContaining("exceeded quota"),
          },
        ],
      },
    });
    stop();
    await world.settle(LONG_MS);
    expect((await b.import())?.status?.conditions).toMatchObject([{ status: "True" }]);
  });

  test("a lost address that somebody else has now is given up (I5 as far as it can be)", async () => {
    await a.exported();
    await world.settle();
    const before = await b.import();
    const name = (await b.derived())?.metadata.name ?? "";
    b.stop();
    await b.remove(SERVICES, name);
    await b.service({ clusterIP: before?.spec.ips?.[0] ?? "" }, "thief");
    b.start();
    await world.settle();
    const after = await b.import();
    expect(after?.spec.ips).toHaveLength(1);
    expect(after?.spec.ips).not.toEqual(before?.spec.ips);
    expect(after?.spec.ips).toEqual((await b.derived())?.spec.clusterIPs);
  });

  test("while a lost derived Service cannot be made, clients keep the address they know (I5)", async () => {
    await a.exported();
    await world.settle();
    const before = await b.import();
    const name = (await b.derived())?.metadata.name ?? "";
    b.inject(({ verb, path }, moment) =>
      moment === "before" && verb === "create" && path.endsWith("/services")
        ? { kind: "unavailable", message: "etcd is away", status: 500 }
        : undefined,
    );
    await b.remove(SERVICES, name);
    await world.settle();
    expect((await b.import())?.spec.ips).toEqual(before?.spec.ips);
    expect((await b.import())?.status?.conditions).toMatchObject([
      { status: "False", message: expect.stringContaining("etcd is away") },
    ]);
    b.inject(() => undefined);
    await world.settle(LONG_MS);
    expect((await b.import())?.spec).toEqual(before?.spec);
    expect((await b.derived())?.spec.clusterIPs).toEqual(before?.spec.ips);
  });
});

describe("restarts and a broker that is away (I6, I7, CLN-09, CLN-10)", () => {
  test("a restart changes nothing", async () => {
    await a.exported();
    await b.exported({ ports: [{ name: "other", port: 81 }] });
    await world.settle();
    for (const member of [a, b]) {
      member.clearWrites();
      member.restart();
    }
    await world.settle();
    expect([...a.writes, ...b.writes]).toEqual([]);
  });

  test("losing the broker changes nothing (I7)", async () => {
    await a.exported();
    await b.exported();
    await world.settle();
    for (const member of [a, b]) member.clearWrites();
    world.broker.stop();
    await world.settle(120_000);
    expect([...a.writes, ...b.writes]).toEqual([]);
    world.broker.start();
    await world.settle(LONG_MS);
    expect([...a.writes, ...b.writes]).toEqual([]);
  });

  test("a broker that lost its store is refilled, without a change to imports (design 4)", async () => {
    await a.exported();
    await b.exported();
    await world.settle();
    for (const member of [a, b]) member.clearWrites();
    world.broker.loseStore();
    await world.settle(LONG_MS);
    const writes = [...a.writes, ...b.writes].filter(
      ({ path }) => !path.includes("serviceexports"),
    );
    expect(writes).toEqual([]);
    expect(await a.backends()).toEqual({ a: ["10.97.0.1"], b: ["10.98.0.1"] });
  });

  test("restarted without a broker, nothing is deleted; own endpoints follow the pods (I6)", async () => {
    await a.exported({ trafficDistribution: "PreferClose" });
    await b.exported({ trafficDistribution: "PreferClose" });
    await world.settle();
    world.broker.stop();
    b.clearWrites();
    b.restart();
    await world.settle(60_000);
    expect(b.writes).toEqual([]);
    const endpoints = [{ addresses: ["10.98.0.2"], conditions: { ready: true } }];
    await b.patch(ENDPOINT_SLICES, "web-1", { endpoints });
    await world.settle();
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"], b: ["10.98.0.2"] });
    await b.unexport();
    await world.settle();
    expect(await b.import()).toBeDefined();
    expect(b.writes.filter(({ verb }) => verb === "delete")).toEqual([]);
    world.broker.start();
    await world.settle(LONG_MS);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("started without a broker, hints of standing slices stay (EPS-22, I9)", async () => {
    const zoned = (address: string) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      zone: "z1",
    });
    for (const member of [a, b]) {
      await member.service({ trafficDistribution: "PreferClose" });
      const address = `10.${member.name.charCodeAt(0)}.0.1`;
      await member.slice("web-1", [], { endpoints: [zoned(address)] });
      await member.export();
    }
    await world.settle();
    world.broker.stop();
    b.clearWrites();
    b.restart();
    await world.settle();
    expect(b.writes).toEqual([]);
    world.broker.start();
    await world.settle(LONG_MS);
  });

  test("without a broker a service of this cluster alone follows local changes, conditions wait (I7, EXP-27)", async () => {
    world.broker.stop();
    b.restart();
    await b.exported();
    await world.settle();
    expect((await b.import())?.spec.ips).toHaveLength(1);
    expect(await b.conditions()).toEqual({ Valid: "True/Valid", Ready: "Unknown/Pending" });
    await b.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 81 }] } });
    await world.settle();
    expect((await b.import())?.spec.ports).toMatchObject([{ port: 81 }]);
    world.broker.start();
    await world.settle(LONG_MS);
    expect(await b.conditions()).toMatchObject({
      Ready: "True/Exported",
      Conflict: "False/NoConflicts",
    });
  });

  test("a member that comes back in another life brings nothing of the earlier one (CLN-13)", async () => {
    await a.exported();
    await a.service({}, "old");
    await a.export({}, "old");
    await world.settle();
    expect(await b.import("old")).toBeDefined();
    a.stop();
    await a.unexport("old");
    await world.settle();
    expect(await b.import("old")).toBeDefined();
    a.start(2);
    await world.settle(LONG_MS);
    expect(await b.import("old")).toBeUndefined();
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "a" }]);
  });

  test("work under way at a stop ends, and the next process finishes it", async () => {
    await a.exported();
    await world.clock.advance(3);
    a.restart();
    b.restart();
    await world.settle();
    expect((await b.import())?.spec.ips).toHaveLength(1);
    expect(await a.conditions()).toMatchObject({ Ready: "True/Exported" });
  });
});

test("definitions that come late or go and come back are waited for (VER-04, CID-10)", async () => {
  const c = await world.cluster("c", { crds: false });
  await a.exported();
  c.start();
  await world.settle(5_000);
  expect(c.writes).toEqual([]);
  await world.installCrds(c);
  await world.settle(LONG_MS);
  expect((await c.import())?.spec.ips).toHaveLength(1);
});

test("a cluster that serves only v1alpha1 is a member like any other (VER-04, EXP-02)", async () => {
  const c = await world.cluster("c", { crds: false, mcsVersion: "v1alpha1" });
  await world.installCrds(c, (crd) => {
    const versions = crd.spec.versions
      .filter(({ name }) => name === "v1alpha1")
      .map((version) => ({ ...version, storage: true }));
    return { ...crd, spec: { ...crd.spec, versions } };
  });
  c.start();
  await a.exported();
  await c.service();
  await c.slice("web-1", ["10.99.0.1"]);
  const resource = serviceExports("v1alpha1");
  await c.create(resource, {
    apiVersion: "multicluster.x-k8s.io/v1alpha1",
    kind: "ServiceExport",
    metadata: { namespace: "shop", name: "web" },
  });
  await world.settle();
  const found = await c.find(serviceImports("v1alpha1"), "web");
  expect(found).toMatchObject({ status: { clusters: [{ cluster: "a" }, { cluster: "c" }] } });
  expect((await c.derived())?.metadata.ownerReferences).toMatchObject([
    { apiVersion: "multicluster.x-k8s.io/v1alpha1", uid: found?.metadata.uid },
  ]);
  expect(await b.backends()).toEqual({ a: ["10.97.0.1"], c: ["10.99.0.1"] });
});

test("a CRD that does not know endpointSliceObjects is not written to again and again (IMP-33)", async () => {
  const c = await world.cluster("c", { crds: false });
  // As in v0.5.0: the field is pruned without an error.
  await world.installCrds(c, (crd) =>
    JSON.parse(JSON.stringify(crd).replaceAll('"endpointSliceObjects"', '"unheardOf"')),
  );
  c.start();
  await a.exported();
  await world.settle();
  const status = (await c.import())?.status;
  expect(status?.clusters).toEqual([{ cluster: "a" }]);
  expect(status).not.toHaveProperty("endpointSliceObjects");
  await world.expectNoChurn();
});

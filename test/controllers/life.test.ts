import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
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

describe("an export's life", () => {
  test("one export makes an import, a derived Service and slices in every member (IMP-02, EPS-08, VIP-12)", async () => {
    await a.exported();
    await world.settle();
    for (const member of [a, b]) {
      const found = await member.import();
      const derived = await member.derived();
      expect(found).toMatchObject({
        spec: { type: "ClusterSetIP", ports: [{ name: "http", protocol: "TCP", port: 80 }] },
        status: {
          clusters: [{ cluster: "a" }],
          conditions: [{ type: "Ready", status: "True", reason: "Ready" }],
          endpointSliceObjects: "Present",
        },
      });
      expect(found?.spec.ips).toEqual(derived?.spec.clusterIPs);
      expect(found?.spec.ipFamilies).toEqual(derived?.spec.ipFamilies);
      expect(derived?.spec.selector).toBeUndefined();
      expect(await member.backends()).toEqual({ a: ["10.97.0.1"] });
    }
    expect(await a.conditions()).toEqual({
      Valid: "True/Valid",
      Ready: "True/Exported",
      Conflict: "False/NoConflicts",
    });
  });

  test("a Service without an export of its own cluster is not exported (EXP-04, EXP-05, VIP-05)", async () => {
    await a.exported();
    await b.service();
    await b.slice("web-1", ["10.98.0.1"]);
    await world.settle();
    expect(await a.backends()).toEqual({ a: ["10.97.0.1"] });
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("the import stays, with its address, while one export is left, and goes with the last (IMP-04, IMP-05, I4, I5)", async () => {
    await a.exported();
    await b.exported();
    await world.settle();
    const before = await b.import();
    expect(before?.status?.clusters).toEqual([{ cluster: "a" }, { cluster: "b" }]);
    await a.unexport();
    await world.settle();
    const after = await b.import();
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
    expect(after?.spec.ips).toEqual(before?.spec.ips);
    expect(after?.status?.clusters).toEqual([{ cluster: "b" }]);
    expect(await b.backends()).toEqual({ b: ["10.98.0.1"] });
    await b.unexport();
    await world.settle();
    for (const member of [a, b]) {
      expect(await member.import()).toBeUndefined();
      expect(await member.derived()).toBeUndefined();
      expect(await member.slices()).toEqual([]);
    }
  });

  test("unexport in one cluster and export in another at the same moment keeps a working import (section 17.1)", async () => {
    await a.exported();
    await world.settle();
    await b.service();
    await b.slice("web-1", ["10.98.0.1"]);
    for (let round = 0; round < 5; round += 1) {
      const [out, into] = round % 2 === 0 ? [a, b] : [b, a];
      await out.unexport();
      await into.export();
      await world.settle();
      for (const member of [a, b]) {
        expect((await member.import())?.status?.clusters).toEqual([{ cluster: into.name }]);
        expect((await member.import())?.spec.ips).toHaveLength(1);
        expect(Object.keys(await member.backends())).toEqual([into.name]);
      }
    }
  });

  test("an export waits for its Service, and is withdrawn with it (EXP-07, EXP-18, CLN-03, section 17.3)", async () => {
    await a.export();
    await world.settle();
    expect(await a.conditions()).toEqual({ Valid: "False/NoService", Ready: "False/Pending" });
    expect(await b.import()).toBeUndefined();
    await a.service();
    await a.slice("web-1", ["10.97.0.1"]);
    await world.settle();
    expect(await a.conditions()).toMatchObject({ Valid: "True/Valid", Ready: "True/Exported" });
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
    await a.remove(SERVICES, "web");
    await world.settle();
    expect(await a.conditions()).toEqual({ Valid: "False/NoService", Ready: "False/Pending" });
    expect(await b.import()).toBeUndefined();
    await a.service();
    await world.settle();
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("ExternalName is refused and blocks nobody else (EXP-16, EXP-18)", async () => {
    await a.service({ type: "ExternalName", externalName: "x.example", ports: [] });
    await a.export();
    await world.settle();
    expect(await a.conditions()).toEqual({
      Valid: "False/InvalidServiceType",
      Ready: "False/Pending",
    });
    expect(await a.import()).toBeUndefined();
    await b.exported();
    await world.settle();
    expect((await a.import())?.status?.clusters).toEqual([{ cluster: "b" }]);
    expect((await b.conditions())["Conflict"]).toBe("False/NoConflicts");
  });

  test("a derived Service cannot be exported", async () => {
    await a.exported();
    await world.settle();
    const name = (await a.derived())?.metadata.name ?? "";
    await a.export({}, name);
    await world.settle();
    expect(await a.conditions(name)).toMatchObject({ Valid: "False/InvalidServiceType" });
    expect(await b.import(name)).toBeUndefined();
  });
});

describe("namespaces", () => {
  test("no namespace, no import; it comes when the namespace does (IMP-03)", async () => {
    const c = await world.cluster("c");
    await c.remove(NAMESPACES, "shop");
    await world.clock.advance(100);
    c.start();
    await a.exported();
    await world.settle();
    expect(await c.import()).toBeUndefined();
    await c.namespace("shop");
    await world.settle();
    expect((await c.import())?.spec.ips).toHaveLength(1);
    expect(await c.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("a namespace deleted and made again gets everything back (IMP-07, section 17.2)", async () => {
    await a.exported();
    await world.settle();
    await b.remove(NAMESPACES, "shop");
    await world.settle();
    expect(await b.import()).toBeUndefined();
    expect(await b.list(serviceImports())).toEqual([]);
    await b.namespace("shop");
    await world.settle();
    expect((await b.import())?.spec.ips).toHaveLength(1);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("a namespace and an export that come together wait for what others say of it (CON-11, I11)", async () => {
    await a.exported({ clusterIP: "None" });
    const c = await world.cluster("c");
    await c.remove(NAMESPACES, "shop");
    await world.clock.advance(100);
    c.start();
    await world.settle();
    c.clearWrites();
    await c.namespace("shop");
    await c.exported();
    await world.settle();
    expect((await c.import())?.spec.type).toBe("Headless");
    expect((await c.conditions())["Conflict"]).toBe("True/TypeConflict");
    // Nothing was made by a part of the picture, to be made otherwise by the whole.
    expect(c.writes.filter(({ verb }) => verb === "delete")).toEqual([]);
    expect(await c.events()).toEqual(["Warning Conflict ServiceExport/web"]);
  });

  test("an exporter's namespace takes its export with it (CLN-03)", async () => {
    await a.exported();
    await b.exported();
    await world.settle();
    await a.remove(NAMESPACES, "shop");
    await world.settle();
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "b" }]);
    expect(await b.backends()).toEqual({ b: ["10.98.0.1"] });
  });

  test("a namespace held open by a finalizer is not written to (IMP-07)", async () => {
    await a.exported();
    await world.settle();
    await b.service({}, "held");
    await b.patch(SERVICES, "held", { metadata: { finalizers: ["example.com/held"] } });
    await b.remove(NAMESPACES, "shop");
    await world.settle();
    b.clearWrites();
    await a.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 81 }] } });
    await world.settle(5_000);
    expect(b.writes.filter(({ verb }) => verb !== "delete")).toEqual([]);
    await b.patch(SERVICES, "held", { metadata: { finalizers: null } });
    await world.settle();
    await b.namespace("shop");
    await world.settle();
    expect((await b.import())?.spec.ports).toMatchObject([{ port: 81 }]);
  });
});

test("status of an export is written by its own cluster only (CON-14)", async () => {
  await a.exported();
  await b.exported();
  await world.settle();
  a.clearWrites();
  await b.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 81 }] } });
  await world.settle();
  expect((await a.conditions())["Conflict"]).toBe("True/PortConflict");
  expect((await b.conditions())["Conflict"]).toBe("True/PortConflict");
  await b.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 80 }] } });
  await world.settle();
  expect((await a.conditions())["Conflict"]).toBe("False/NoConflicts");
  expect((await b.conditions())["Conflict"]).toBe("False/NoConflicts");
  const other = a.writes.filter(({ path }) => path.includes("serviceexports"));
  expect(other.every(({ path }) => path.endsWith("/serviceexports/web/status"))).toBe(true);
  expect(await a.list(serviceExports())).toHaveLength(1);
});

import { afterEach, beforeEach, expect, test } from "vitest";
import { SERVICES } from "../../api/kube/service.ts";
import { MemberWorld } from "./member-world.ts";

let world: MemberWorld;

beforeEach(() => {
  world = new MemberWorld();
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

const DUAL = { ipFamilyPolicy: "PreferDualStack" };

test("dual-stack: both families, addresses in the order of families, slices of each (IMP-15, IMP-17, EPS-25)", async () => {
  const a = await world.member("a", { families: ["IPv6", "IPv4"] });
  const b = await world.member("b", { families: ["IPv4", "IPv6"] });
  await a.exported(DUAL);
  await a.slice("web-6", ["fd00:97::1"]);
  await world.settle();
  const found = await b.import();
  expect(found?.spec.ipFamilies).toEqual(["IPv6", "IPv4"]);
  expect(found?.spec.ips?.map((ip) => (ip.includes(":") ? "IPv6" : "IPv4"))).toEqual([
    "IPv6",
    "IPv4",
  ]);
  expect(await b.backends()).toEqual({ a: ["10.97.0.1", "fd00:97::1"] });
});

test("families narrow to what all exporters and this cluster have; the first address stays (IMP-20, I5)", async () => {
  const a = await world.member("a", { families: ["IPv4", "IPv6"] });
  const b = await world.member("b", { families: ["IPv4"] });
  const c = await world.member("c", { families: ["IPv4", "IPv6"] });
  await a.exported(DUAL);
  await world.settle();
  const before = await c.import();
  expect(before?.spec.ipFamilies).toEqual(["IPv4", "IPv6"]);
  expect((await b.import())?.spec.ipFamilies).toEqual(["IPv4"]);
  await world.clock.advance(1_100);
  await b.exported();
  await world.settle();
  const after = await c.import();
  expect(after?.spec.ipFamilies).toEqual(["IPv4"]);
  expect(after?.spec.ips).toEqual(before?.spec.ips?.slice(0, 1));
  // A pure narrowing leaves every backend reachable: no conflict.
  expect((await b.conditions())["Conflict"]).toBe("False/NoConflicts");
  await b.unexport();
  await world.settle();
  expect((await c.import())?.spec.ips).toHaveLength(2);
  expect((await c.import())?.spec.ips?.[0]).toBe(before?.spec.ips?.[0]);
});

test("a cluster that shares no family is a conflict, and its own import says what it cannot route (IMP-19, IMP-20, IMP-27)", async () => {
  const a = await world.member("a", { families: ["IPv4"] });
  const b = await world.member("b", { families: ["IPv6"] });
  await a.exported();
  await world.clock.advance(1_100);
  await b.exported({}, ["fd00:98::1"]);
  await world.settle();
  for (const member of [a, b]) {
    expect((await member.conditions())["Conflict"]).toBe("True/IPFamilyConflict");
  }
  const found = await b.import();
  expect(found?.status?.conditions).toMatchObject([
    { type: "Ready", status: "False", reason: "IPFamilyNotSupported" },
  ]);
  expect(found?.spec.ips ?? []).toEqual([]);
  expect(await b.derived()).toBeUndefined();
  // The winner goes: what is left is routed here again.
  await a.unexport();
  await world.settle();
  expect((await b.import())?.spec.ipFamilies).toEqual(["IPv6"]);
  expect((await b.import())?.status?.conditions).toMatchObject([{ status: "True" }]);
});

test("a headless service changes its first family, it has no address to lose (IMP-13, IMP-17)", async () => {
  const a = await world.member("a", { families: ["IPv4", "IPv6"] });
  const b = await world.member("b", { families: ["IPv4", "IPv6"] });
  await a.exported({ clusterIP: "None" });
  await world.clock.advance(1_100);
  await b.exported({ clusterIP: "None", ipFamilies: ["IPv6"] }, ["fd00:98::1"]);
  await world.settle();
  expect((await b.import())?.spec.ipFamilies).toEqual(["IPv4"]);
  await a.unexport();
  await world.settle();
  const found = await b.import();
  expect(found?.spec).toMatchObject({ type: "Headless", ipFamilies: ["IPv6"] });
  expect((await b.derived())?.spec.ipFamilies).toEqual(["IPv6"]);
});

test("a winner of another family does not move an address in use (VIP-02, I5)", async () => {
  const a = await world.member("a", { families: ["IPv4", "IPv6"] });
  const b = await world.member("b", { families: ["IPv4", "IPv6"] });
  await a.exported();
  await world.clock.advance(1_100);
  await b.exported({ ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" }, ["fd00:98::1"]);
  await world.settle();
  const before = await b.import();
  await a.unexport();
  await world.settle();
  const after = await b.import();
  expect(after?.spec.ipFamilies).toEqual(["IPv4", "IPv6"]);
  expect(after?.spec.ips?.[0]).toBe(before?.spec.ips?.[0]);
  await b.remove(SERVICES, "web");
});

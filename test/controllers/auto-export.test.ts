import { afterEach, beforeEach, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY } from "../../api/mcs/labels.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import {
  type AutoExportRules,
  type MemberPolicy,
  SHARE_EVERYTHING,
} from "../../controllers/policy/member-policy.ts";
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

function exporting(rules: Partial<AutoExportRules> = {}): MemberPolicy {
  const services = parseLabelSelector("isthmus.dev/auto-export=true");
  if (!services.ok) throw new Error(services.error);
  const quotas = { perNamespace: 20, perCluster: 200 };
  return { ...SHARE_EVERYTHING, autoExport: { services: services.value, ...quotas, ...rules } };
}

const MARK = { metadata: { labels: { "isthmus.dev/auto-export": "true" } } };
const UNMARK = { metadata: { labels: { "isthmus.dev/auto-export": null } } };

async function exportsOf(cluster: TestCluster): Promise<readonly string[]> {
  const found = await cluster.list<ServiceExport>(serviceExports());
  return found.map(({ metadata }) => metadata.name).toSorted();
}

test("a label exports a Service, everywhere, and its end withdraws it", async () => {
  a.policy.set(exporting());
  await a.service();
  await a.slice("web-1", ["10.97.0.1"]);
  await world.settle();
  expect(await exportsOf(a)).toEqual([]);
  await a.patch(SERVICES, "web", MARK);
  await world.settle();
  expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  expect(await a.conditions()).toMatchObject({ Valid: "True/Valid", Ready: "True/Exported" });
  expect(await a.events()).toContain("Normal AutoExported Service/web");
  await a.patch(SERVICES, "web", UNMARK);
  await world.settle();
  expect(await exportsOf(a)).toEqual([]);
  expect(await b.import()).toBeUndefined();
});

test("an export that is removed by hand comes back; the annotation ends it", async () => {
  a.policy.set(exporting());
  await a.service();
  await a.patch(SERVICES, "web", MARK);
  await world.settle();
  await a.unexport();
  await world.settle();
  expect(await exportsOf(a)).toEqual(["web"]);
  const annotations = { "isthmus.dev/auto-export": "false" };
  await a.patch(SERVICES, "web", { metadata: { annotations } });
  await world.settle();
  expect(await exportsOf(a)).toEqual([]);
});

test("a namespace may opt out", async () => {
  a.policy.set(exporting());
  await a.service();
  await a.patch(SERVICES, "web", MARK);
  await world.settle();
  const annotations = { "isthmus.dev/auto-export": "false" };
  await a.patch(NAMESPACES, "shop", { metadata: { annotations } });
  await world.settle();
  expect(await exportsOf(a)).toEqual([]);
});

test("what users wrote is not touched, with the label and without it (I3)", async () => {
  a.policy.set(exporting());
  await a.exported();
  await a.service({}, "plain");
  await a.export({}, "plain");
  await a.patch(SERVICES, "web", MARK);
  await world.settle();
  const before = await a.list<ServiceExport>(serviceExports());
  expect(before.map(({ metadata }) => metadata.labels?.[LABEL_MANAGED_BY])).toEqual([
    undefined,
    undefined,
  ]);
  await a.patch(SERVICES, "web", UNMARK);
  await world.settle();
  expect(await exportsOf(a)).toEqual(["plain", "web"]);
});

test("above the quota nothing is exported, and it says so; room that comes is used", async () => {
  a.policy.set(exporting({ perNamespace: 2 }));
  for (const name of ["one", "two", "three"]) {
    await a.service({}, name);
    await a.patch(SERVICES, name, MARK);
    await world.settle();
  }
  expect(await exportsOf(a)).toEqual(["one", "two"]);
  expect(await a.events()).toContain("Warning AutoExportOverQuota Service/three");
  await a.remove(SERVICES, "one");
  await world.settle();
  expect(await exportsOf(a)).toEqual(["three", "two"]);
  // All of it goes when the quota is nothing, which is how it is turned off.
  a.policy.set(exporting({ perCluster: 0 }));
  await world.settle();
  expect(await exportsOf(a)).toEqual([]);
});

test("turned off, or started anew without the rules, nothing that stands is withdrawn", async () => {
  a.policy.set(exporting());
  await a.service();
  await a.patch(SERVICES, "web", MARK);
  await world.settle();
  a.policy.set(SHARE_EVERYTHING);
  a.restart(2);
  await world.settle();
  expect(await exportsOf(a)).toEqual(["web"]);
});

test("a refusal of one does not keep the others waiting, and is tried again", async () => {
  let asked = 0;
  const heal = a.inject(({ verb, path }, moment) => {
    if (verb !== "create" || moment !== "before" || !path.endsWith("/serviceexports")) return;
    asked += 1;
    return asked === 2 ? undefined : { kind: "forbidden", message: "quota of objects" };
  });
  for (const name of ["one", "two"]) {
    await a.service({}, name);
    await a.patch(SERVICES, name, MARK);
  }
  // Both are seen by the first pass.
  await world.settle();
  a.policy.set(exporting());
  await world.clock.advance(500);
  expect(await exportsOf(a)).toEqual(["two"]);
  heal();
  // Longer than it holds back after a few refusals.
  await world.settle(5_000);
  expect(await exportsOf(a)).toEqual(["one", "two"]);
});

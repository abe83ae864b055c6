import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type HubPolicy, NO_POLICY } from "../../broker/policy/cluster-policy.ts";
import { parsePolicy } from "../../broker/policy/parse-policy.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

/** Long enough for a member to come back after its stream was ended. */
const RECONNECT_MS = 2_000;

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

async function decree(text: string): Promise<void> {
  world.hubPolicy.set(document(text));
  await world.settle(RECONNECT_MS);
}

function document(text: string): HubPolicy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

async function readyMessage(cluster: TestCluster, name = "web"): Promise<string> {
  const found = await cluster.find<ServiceExport>(serviceExports(), name);
  return found?.status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";
}

describe("what the hub's policy refuses shows on the exporter's ServiceExport, with rule and value", () => {
  test("a namespace (SEC-04)", async () => {
    await decree("clusters: {a: {export: {allow: [other]}}}");
    await a.exported();
    await world.settle();
    expect((await a.conditions())["Ready"]).toBe("False/Failed");
    expect(await readyMessage(a)).toBe(
      `namespace must be one that the hub's policy lets cluster a export from: got "shop": no pattern of those that are allowed (other) matches it`,
    );
    expect(await a.events()).toEqual(["Warning ExportFailed ServiceExport/web"]);
    expect(await b.import()).toBeUndefined();
  });

  test("one export too many: the others stay", async () => {
    await decree("clusters: {a: {maxExports: 1}}");
    await a.exported();
    await world.settle();
    await a.service({}, "second");
    await a.export({}, "second");
    await world.settle();
    expect((await a.conditions())["Ready"]).toBe("True/Exported");
    expect((await a.conditions("second"))["Ready"]).toBe("False/Failed");
    expect(await readyMessage(a, "second")).toBe(
      "exports of one cluster must be at most 1 by the hub's policy: with this one it would have 2",
    );
    expect([await b.import(), await b.import("second")].map((one) => one !== undefined)).toEqual([
      true,
      false,
    ]);
  });

  test("and it is stored when another has gone, without anybody's doing", async () => {
    await decree("clusters: {a: {maxExports: 1}}");
    await a.exported();
    await world.settle();
    for (const name of ["second", "third"]) {
      await a.service({}, name);
      await a.export({}, name);
    }
    await world.settle();
    await a.unexport();
    await world.settle();
    const ready = [(await a.conditions("second"))["Ready"], (await a.conditions("third"))["Ready"]];
    // Which of the two comes first is the broker's.
    expect(new Set(ready)).toEqual(new Set(["False/Failed", "True/Exported"]));
  });

  test("a slice alone: the export is accepted, and says what is missing (SEC-06)", async () => {
    await decree("clusters: {a: {cidrs: [10.97.0.0/16]}}");
    await a.exported();
    await a.slice("web-2", ["192.168.0.9"]);
    await world.settle();
    expect((await a.conditions())["Ready"]).toBe("False/Failed");
    expect(await readyMessage(a)).toBe(
      `EndpointSlice web-2: address must lie in the cidrs that the hub's policy gives cluster a (10.97.0.0/16): got "192.168.0.9"`,
    );
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });
});

describe("every refusal of the broker comes back with rule and value, and withholds nothing else", () => {
  test.each([
    {
      name: "endpoints that are too many together",
      policy: "clusters: {a: {maxEndpoints: 1}}",
      act: () => a.exported({}, ["10.97.0.1", "10.97.0.2"]),
      want: /^EndpointSlice web-1: endpoints of one cluster must be at most 1 by the hub's policy: with /,
    },
    {
      name: "a row that is too large",
      policy: "clusters: {a: {maxRowBytes: 20}}",
      act: () => a.exported(),
      want: /^row must be at most 20 bytes by the hub's policy for cluster a: got \d+/,
    },
    {
      name: "addresses of another cluster, a slice alone",
      policy: "clusters: {a: {cidrs: [10.97.0.0/16]}}",
      act: () => a.exported({}, ["10.98.0.1"]),
      want: /^EndpointSlice web-1: address must lie in the cidrs .*10\.97\.0\.0\/16.*: got "10\.98\.0\.1"$/,
    },
    {
      name: "a metadata service behind NAT64, whatever the policy",
      policy: "{}",
      act: () => a.exported({}, ["64:ff9b::a9fe:a9fe"]),
      want: /^EndpointSlice web-1: address must not be link-local \(translated\): got "64:ff9b::a9fe:a9fe"$/,
    },
    {
      name: "a reserved address, whatever the policy",
      policy: "{}",
      act: () => a.exported({}, ["240.0.0.1"]),
      want: /^EndpointSlice web-1: address must not be reserved: got "240\.0\.0\.1"$/,
    },
    {
      name: "a namespace that is denied",
      policy: "clusters: {a: {export: {deny: [sh*]}}}",
      act: () => a.exported(),
      want: /^namespace must be one that the hub's policy lets cluster a export from: got "shop"/,
    },
  ])("$name", async ({ policy, act, want }) => {
    await decree(policy);
    await act();
    await b.exported();
    await world.settle();
    expect((await a.conditions())["Ready"]).toBe("False/Failed");
    expect(await readyMessage(a)).toMatch(want);
    expect(await a.events()).toContain("Warning ExportFailed ServiceExport/web");
    // The other exporter of the same service is not touched.
    expect((await b.conditions())["Ready"]).toBe("True/Exported");
    expect((await b.import())?.status?.clusters).toContainEqual({ cluster: "b" });
  });
});

describe("a policy that changes", () => {
  test("takes back what it no longer allows, says so, and gives it back", async () => {
    await a.exported();
    await b.exported();
    await world.settle();
    expect((await b.import())?.status?.clusters).toHaveLength(2);
    await decree("clusters: {a: {export: {deny: [shop]}}}");
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "b" }]);
    expect(await b.backends()).toEqual({ b: ["10.98.0.1"] });
    expect((await a.conditions())["Ready"]).toBe("False/Failed");
    expect((await b.conditions())["Ready"]).toBe("True/Exported");
    world.hubPolicy.set(NO_POLICY);
    await world.settle(RECONNECT_MS);
    expect((await a.conditions())["Ready"]).toBe("True/Exported");
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"], b: ["10.98.0.1"] });
  });

  test("keeps rows from an importer, which then says so in its log, and lets them in again (I2)", async () => {
    await a.exported();
    await world.settle();
    const before = await b.import();
    await decree("clusters: {b: {import: {deny: [shop]}}}");
    expect(before).toBeDefined();
    expect(b.foreignServices).toEqual([]);
    expect(await b.import()).toBeUndefined();
    expect(await b.slices()).toEqual([]);
    // What others export changes meanwhile: nothing of it arrives.
    await a.slice("web-2", ["10.97.0.2"]);
    await world.settle();
    expect(b.foreignServices).toEqual([]);
    world.hubPolicy.set(NO_POLICY);
    await world.settle(RECONNECT_MS);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1", "10.97.0.2"] });
  });

  test("while a member is away is met when it comes back", async () => {
    await a.exported();
    await world.settle();
    world.broker.cut(b.id);
    await world.settle();
    await decree("clusters: {b: {import: {deny: [shop]}}}");
    expect(await b.import()).toBeDefined();
    world.broker.heal(b.id);
    await world.settle(30_000);
    expect(await b.import()).toBeUndefined();
    world.broker.cut(b.id);
    world.hubPolicy.set(NO_POLICY);
    await world.settle();
    world.broker.heal(b.id);
    await world.settle(30_000);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });
});

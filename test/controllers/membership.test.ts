import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SERVICES } from "../../api/kube/service.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { prepareMember } from "../../cli/controllers/prepare-member.ts";
import { claimMembership } from "../../controllers/membership/claim-membership.ts";
import { localIpFamilies } from "../../controllers/membership/local-ip-families.ts";
import { MembershipGuard } from "../../controllers/membership/membership-guard.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

const PROPERTIES = clusterProperties();
const CLAIM = { version: "v1beta1", signal: new AbortController().signal } as const;

let world: MemberWorld;
let a: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.cluster("a");
});

afterEach(() => world[Symbol.asyncDispose]());

async function values(): Promise<Readonly<Record<string, string>>> {
  const found = await a.list<ClusterProperty>(PROPERTIES);
  return Object.fromEntries(found.map(({ metadata, spec }) => [metadata.name, spec.value]));
}

describe("claimMembership", () => {
  test("publishes both properties, and a second time writes nothing (CID-03, CID-06, I9)", async () => {
    const membership = { clusterId: a.id, clusterset: "blue" };
    expect(await claimMembership(a.client, membership, CLAIM)).toEqual({
      ok: true,
      value: undefined,
    });
    expect(await values()).toEqual({ [CLUSTER_ID_PROPERTY]: "a", [CLUSTERSET_PROPERTY]: "blue" });
    a.clearWrites();
    expect(await claimMembership(a.client, membership, CLAIM)).toMatchObject({ ok: true });
    expect(a.writes).toEqual([]);
  });

  test.each([
    { name: CLUSTER_ID_PROPERTY, value: "other", rest: {} },
    { name: CLUSTERSET_PROPERTY, value: "red", rest: { [CLUSTER_ID_PROPERTY]: "a" } },
  ])("never overwrites $name (CID-09, CID-12)", async ({ name, value, rest }) => {
    await a.create(PROPERTIES, property(name, value));
    const claimed = await claimMembership(a.client, { clusterId: a.id, clusterset: "blue" }, CLAIM);
    expect(claimed).toMatchObject({
      ok: false,
      error: { kind: "contradiction", message: expect.stringContaining(`got "${value}"`) },
    });
    expect(await values()).toEqual({ ...rest, [name]: value });
  });
});

describe("MembershipGuard", () => {
  test("a deleted property comes back, a changed one is reported and left, until it is mended (CID-03, CID-06, CID-07)", async () => {
    const membership = { clusterId: a.id, clusterset: "blue" };
    await claimMembership(a.client, membership, CLAIM);
    const stop = new AbortController();
    const guard = new MembershipGuard(membership, "v1beta1", {
      client: a.client,
      clock: world.clock,
      random: world.random,
      log: a.log,
      meter: silentMeter,
    });
    const ran = guard.run(stop.signal);
    a.clearWrites();
    await world.clock.advance(1_000);
    expect(a.writes).toEqual([]);
    await a.remove(PROPERTIES, CLUSTER_ID_PROPERTY);
    await world.clock.advance(1_000);
    expect(await values()).toEqual({ [CLUSTER_ID_PROPERTY]: "a", [CLUSTERSET_PROPERTY]: "blue" });
    expect(guard.problem).toBeUndefined();
    await a.patch(PROPERTIES, CLUSTERSET_PROPERTY, { spec: { value: "red" } });
    await world.clock.advance(1_000);
    expect(guard.problem).toContain('must be "blue"');
    expect(await values()).toMatchObject({ [CLUSTERSET_PROPERTY]: "red" });
    expect(a.log.messages).toEqual(["cluster identity was changed"]);
    await a.remove(PROPERTIES, CLUSTERSET_PROPERTY);
    await world.clock.advance(1_000);
    expect(guard.problem).toBeUndefined();
    expect(await values()).toMatchObject({ [CLUSTERSET_PROPERTY]: "blue" });
    stop.abort();
    await world.clock.advance(100);
    await ran;
  });
});

describe("localIpFamilies (IMP-20)", () => {
  test.each([
    { families: ["IPv4"] as const },
    { families: ["IPv6"] as const },
    { families: ["IPv4", "IPv6"] as const },
  ])("$families, and nothing is kept of the question", async ({ families }) => {
    const cluster = await world.cluster("b", { families });
    const before = await cluster.list(SERVICES);
    const asked = await localIpFamilies(cluster.client, CLAIM.signal);
    expect(asked).toEqual({ ok: true, value: families });
    expect(await cluster.list(SERVICES)).toEqual(before);
  });
});

describe("prepareMember", () => {
  const prepare = (cluster: TestCluster, reasons: string[]) =>
    prepareMember(
      { clusterId: cluster.id, clusterset: "blue" },
      { client: cluster.client, clock: world.clock, random: world.random, log: silentLogger },
      { signal: CLAIM.signal, onWaiting: (reason) => void reasons.push(reason) },
    );

  test("waits for definitions, by name, and goes on when they come (VER-04, CID-10)", async () => {
    const bare = await world.cluster("b", { crds: false });
    const reasons: string[] = [];
    const prepared = prepare(bare, reasons);
    await world.clock.advance(5_000);
    expect(new Set(reasons)).toEqual(
      new Set([
        "waiting for the API server to say which APIs it serves",
        'custom resource definition serviceimports.multicluster.x-k8s.io is not installed: run "isthmus crds --apply"',
      ]),
    );
    await world.installCrds(bare);
    await world.clock.advance(20_000);
    expect(await prepared).toEqual({
      kind: "prepared",
      member: { mcsVersion: "v1beta1", aboutVersion: "v1beta1", localFamilies: ["IPv4"] },
    });
  });

  test("an identity that contradicts the cluster's is waited for, with rule and values, until somebody mends it (CID-09)", async () => {
    await a.create(PROPERTIES, property(CLUSTER_ID_PROPERTY, "somebody"));
    const reasons: string[] = [];
    const prepared = prepare(a, reasons);
    await world.clock.advance(5_000);
    expect(reasons.at(-1)).toMatch(
      /^ClusterProperty \S+ must be "a", the identity .*: got "somebody"; delete it if/,
    );
    expect(await a.list(PROPERTIES)).toHaveLength(1);
    await a.remove(PROPERTIES, CLUSTER_ID_PROPERTY);
    await world.clock.advance(20_000);
    expect(await prepared).toMatchObject({ kind: "prepared" });
  });

  test("an API server that is away is waited for", async () => {
    const restore = a.inject((_request, moment) =>
      moment === "before" ? { kind: "unavailable", message: "connection refused" } : undefined,
    );
    const reasons: string[] = [];
    const prepared = prepare(a, reasons);
    await world.clock.advance(5_000);
    expect(reasons).toContain("connection refused");
    restore();
    await world.clock.advance(20_000);
    expect(await prepared).toMatchObject({ kind: "prepared" });
  });
});

function property(name: string, value: string): ClusterProperty {
  return {
    apiVersion: "about.k8s.io/v1beta1",
    kind: "ClusterProperty",
    metadata: { name },
    spec: { value },
  };
}

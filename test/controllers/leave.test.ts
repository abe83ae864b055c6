import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { LEASES } from "../../api/kube/lease.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { CLUSTERSET_PROPERTY, clusterProperties } from "../../api/mcs/cluster-property.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { LOCAL_NETWORK, type MemberNetwork } from "../../api/network/member-network.ts";
import { MEMBER_NETWORKS, PATH_REPORTS } from "../../api/network/resources.ts";
import { err, ok } from "../../api/result.ts";
import { Reporter } from "../../connectivity/report/reporter.ts";
import { claimMembership } from "../../controllers/membership/claim-membership.ts";
import { leaveCluster, type Receipt } from "../../controllers/membership/leave-cluster.ts";
import { ANNOTATION_LEAVING } from "../../controllers/membership/leaving.ts";
import { MembershipGuard } from "../../controllers/membership/membership-guard.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

const { signal } = new AbortController();
const VERSIONS = {
  mcsVersion: "v1beta1",
  aboutVersion: "v1beta1",
  forgetIdentity: async () => ok(undefined),
  signal,
} as const;
const KINDS = [serviceImports(), SERVICES, ENDPOINT_SLICES, LEASES, clusterProperties()];

let world: MemberWorld;
let east: TestCluster;
let west: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  east = await world.member("east");
  west = await world.cluster("west", { leaseNamespace: "isthmus-system" });
  await west.namespace("isthmus-system");
  const membership = { clusterId: west.id, clusterset: "blue" };
  await claimMembership(west.client, membership, { version: "v1beta1", signal });
  west.start();
  for (const cluster of [east, west]) await cluster.exported();
  await world.settle();
});

afterEach(() => world[Symbol.asyncDispose]());

/** Everything in the cluster that carries our mark, by plural and name. */
async function ours(cluster: TestCluster): Promise<readonly string[]> {
  const found: string[] = [];
  for (const resource of KINDS) {
    const objects = await cluster.list<KubeObject>(resource, LABEL_MANAGED_BY);
    found.push(...objects.map(({ metadata }) => `${resource.plural} ${metadata.name}`));
  }
  return found;
}

async function leave(): Promise<Receipt> {
  const leaving = leaveCluster(west.admin, VERSIONS, world.clock);
  await world.clock.advance(60_000);
  const left = await leaving;
  if (!left.ok) throw new Error(left.error);
  return left.value;
}

describe("a cluster that leaves (CLN-04, CLN-11)", () => {
  test("keeps nothing of ours, and what is the users' is as it was", async () => {
    const theirs = await west.create<Service>(SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "shop", name: "theirs" },
      spec: { ports: [{ port: 80 }] },
    });
    expect((await ours(west)).length).toBeGreaterThan(5);
    west.stop();
    await world.broker.store.removeMember(west.id);
    const receipt = await leave();
    expect(await ours(west)).toEqual([]);
    expect([...receipt.keys()].toSorted()).toEqual([
      "clusterproperties",
      "conditions of serviceexports",
      "endpointslices",
      "leases",
      "serviceimports",
      "services",
    ]);
    expect(receipt.get("serviceimports")).toEqual(["shop/web"]);
    // Exports are the users' and stay; nobody keeps their conditions true any more.
    const left = await west.find<ServiceExport>(serviceExports(), "web");
    expect([left?.spec, left?.status?.conditions ?? []]).toEqual([{}, []]);
    expect(await west.find<Service>(SERVICES, "theirs")).toEqual(theirs);
    expect((await west.list(ENDPOINT_SLICES)).length).toBe(1);
    // The others have dropped its part and go on.
    expect(await east.backends()).toEqual({ east: ["10.101.0.1"] });
    const clusters = (await east.import())?.status?.clusters?.map(({ cluster }) => cluster);
    expect(clusters).toEqual(["east"]);
  });

  test("has nothing left to remove the second time", async () => {
    west.stop();
    await leave();
    expect(await leave()).toEqual(new Map());
  });

  test("whose definitions are gone already is cleaned up all the same", async () => {
    const bare = await world.cluster("bare", { crds: false });
    const leaving = leaveCluster(bare.admin, VERSIONS, world.clock);
    await world.clock.advance(60_000);
    expect(await leaving).toEqual({ ok: true, value: new Map() });
  });

  test("is told so, and its running controllers stop (CID-06)", async () => {
    const deps = {
      client: west.client,
      clock: world.clock,
      random: world.random,
      log: silentLogger,
      meter: silentMeter,
    };
    const guard = new MembershipGuard({ clusterId: west.id, clusterset: "blue" }, "v1beta1", deps);
    const stop = new AbortController();
    void guard.run(stop.signal);
    await world.settle();
    expect(guard.leaving.aborted).toBe(false);
    await west.patch(clusterProperties(), CLUSTERSET_PROPERTY, {
      metadata: { annotations: { [ANNOTATION_LEAVING]: "true" } },
    });
    await world.settle();
    expect([guard.leaving.aborted, guard.problem]).toEqual([
      true,
      expect.stringContaining("leaving its clusterset"),
    ]);
    stop.abort();
    await world.settle();
  });

  test("is not made a member again by controllers that hear late of the mark and of its end (CID-06)", async () => {
    const { random } = world;
    const deps = { client: west.client, clock: world.clock, random, log: silentLogger };
    const guard = new MembershipGuard({ clusterId: west.id, clusterset: "blue" }, "v1beta1", {
      ...deps,
      meter: silentMeter,
    });
    const stop = new AbortController();
    void guard.run(stop.signal);
    await world.settle();
    // Both before anything is told of either.
    const mark = { metadata: { annotations: { [ANNOTATION_LEAVING]: "true" } } };
    const marked = west.patch(clusterProperties(), CLUSTERSET_PROPERTY, mark);
    const gone = west.admin.delete(
      { resource: clusterProperties(), name: CLUSTERSET_PROPERTY },
      {},
      { signal },
    );
    await Promise.all([marked, gone]);
    await world.settle();
    expect(guard.leaving.aborted).toBe(true);
    const names = (await west.list(clusterProperties())).map(({ metadata }) => metadata.name);
    expect(names).not.toContain(CLUSTERSET_PROPERTY);
    stop.abort();
    await world.settle();
  });

  test("has no report of a gateway or proxy that runs on", async () => {
    const { clock, random } = world;
    const deps = { client: west.client, clock, random, log: silentLogger, meter: silentMeter };
    await west.create<MemberNetwork>(MEMBER_NETWORKS, {
      apiVersion: "isthmus.dev/v1alpha1",
      kind: "MemberNetwork",
      metadata: { name: LOCAL_NETWORK, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
      spec: {
        cluster: west.id,
        ...{ podCidrs: [], serviceCidrs: [], globalPrefixes: [], nodePrefixes: [] },
        ...{ nodeAddresses: {}, gateways: [], encryption: "none" },
      },
    });
    const networks = new Reflector<KubeObject>({ resource: MEMBER_NETWORKS }, deps);
    const stop = new AbortController();
    networks.start(stop.signal);
    const reporter = new Reporter("n1", { ...deps, networks: networks.view });
    void reporter.run(stop.signal);
    const port = 4798;
    reporter.say({ facts: { endpoints: ["192.0.2.1"], port }, paths: [] });
    await world.settle();
    reporter.say({ facts: { endpoints: ["192.0.2.2"], port }, paths: [] });
    await world.settle();
    expect(await west.list(PATH_REPORTS)).toHaveLength(1);
    west.stop();
    const receipt = await leave();
    expect(receipt.get("pathreports")).toEqual(["gateway-n1"]);
    reporter.say({ facts: { endpoints: ["192.0.2.3"], port }, paths: [] });
    await world.clock.advance(60_000);
    expect(await west.list(PATH_REPORTS)).toEqual([]);
    stop.abort();
    await world.settle();
  });

  test("has no identity any more before the properties go: controllers that are started anew find one mark or the other", async () => {
    west.stop();
    let found: readonly string[] = [];
    const forgetIdentity = async () => {
      const properties = await west.list(clusterProperties());
      found = properties.flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}));
      return ok(undefined);
    };
    const leaving = leaveCluster(west.admin, { ...VERSIONS, forgetIdentity }, world.clock);
    await world.clock.advance(60_000);
    expect((await leaving).ok).toBe(true);
    expect(found).toEqual([ANNOTATION_LEAVING]);
  });

  test("keeps everything when the identity cannot be forgotten, and says why", async () => {
    west.stop();
    const forgetIdentity = async () => err("disk full");
    const left = await leaveCluster(west.admin, { ...VERSIONS, forgetIdentity }, world.clock);
    expect(left).toEqual({ ok: false, error: "disk full" });
    expect((await ours(west)).length).toBeGreaterThan(5);
  });

  test("with controllers that do not stop is an error that says so", async () => {
    const leaving = leaveCluster(west.admin, VERSIONS, world.clock);
    await world.clock.advance(120_000);
    expect(await leaving).toMatchObject({
      ok: false,
      error: expect.stringContaining("keep coming back"),
    });
  });
});

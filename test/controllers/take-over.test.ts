import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { derivedServiceName } from "../../controllers/import/derived-service/derived-service-name.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

// docs/migrate: clusters where another controller of the MCS API has been at work and stands still. Cluster a exports `web` and `api`,
// b imports them.

const LIGHTHOUSE = "lighthouse-agent.submariner.io";
const OWN_LABEL = { metadata: { labels: { [LABEL_MANAGED_BY]: MANAGED_BY } } };
const NO_LABEL = { metadata: { labels: { [LABEL_MANAGED_BY]: null } } };

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.cluster("a");
  b = await world.cluster("b");
  for (const name of ["web", "api"]) {
    await a.service({}, name);
    await a.export({}, name);
    await a.slice(`${name}-1`, ["10.1.0.1"], {
      metadata: {
        namespace: "shop",
        name: `${name}-1`,
        labels: {
          "kubernetes.io/service-name": name,
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
      },
    });
  }
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

/** As another controller left it. */
async function theirImport(
  name: string,
  spec: Partial<ServiceImport["spec"]> = {},
): Promise<ServiceImport> {
  const made = await b.create<ServiceImport>(serviceImports(), {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { namespace: "shop", name },
    spec: { type: "ClusterSetIP", ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
  });
  const status = { clusters: [{ cluster: "cluster-one" }] };
  await b.admin.mergePatch(
    { resource: serviceImports(), namespace: "shop", name },
    { status },
    { signal: new AbortController().signal, subresource: "status" },
  );
  return made;
}

/** Everything in b that is not ours, whole. */
async function theirs(): Promise<unknown> {
  const isTheirs = (object: { metadata: { labels?: Readonly<Record<string, string>> } }): boolean =>
    object.metadata.labels?.[LABEL_MANAGED_BY] !== MANAGED_BY;
  return {
    imports: (await b.list<ServiceImport>(serviceImports())).filter(isTheirs),
    slices: (await b.list<EndpointSlice>(ENDPOINT_SLICES)).filter(isTheirs),
    services: (await b.list<Service>(SERVICES)).filter(isTheirs),
  };
}

/** Clusters that nobody has heard of are awaited for a minute: imports may name some (I4). */
async function startBoth(): Promise<void> {
  a.start();
  b.start();
  await world.settle();
  await world.clock.advance(61_000);
  await world.settle();
}

async function addressOf(name: string): Promise<string | undefined> {
  return (await b.import(name))?.spec.ips?.[0];
}

describe("from Submariner: imports without an address, and slices of its own", () => {
  async function theirSlice(name: string): Promise<void> {
    await b.slice(`${name}-cluster-one`, ["100.64.0.7"], {
      metadata: {
        namespace: "shop",
        name: `${name}-cluster-one`,
        labels: {
          "multicluster.kubernetes.io/service-name": name,
          "multicluster.kubernetes.io/source-cluster": "cluster-one",
          "endpointslice.kubernetes.io/managed-by": LIGHTHOUSE,
        },
      },
    });
  }

  beforeEach(async () => {
    for (const name of ["web", "api"]) {
      await theirImport(name);
      await theirSlice(name);
    }
  });

  test("beside theirs nothing of ours is made, and nothing of theirs is touched (I3)", async () => {
    const before = await theirs();
    await startBoth();
    expect(await theirs()).toEqual(before);
    expect(await b.derived("web")).toBeUndefined();
    expect(await a.conditions("web")).toMatchObject({ Ready: "True/Exported" });
  });

  test("one service is taken over by a label, and the other stays theirs", async () => {
    await startBoth();
    const api = await b.import("api");
    await b.patch(serviceImports(), "web", OWN_LABEL);
    await world.settle();
    expect(await addressOf("web")).toBe((await b.derived("web"))?.spec.clusterIP);
    expect(await b.import("web")).toMatchObject({ status: { clusters: [{ cluster: "a" }] } });
    expect(await b.backends("web")).toEqual({ a: ["10.1.0.1"], "cluster-one": ["100.64.0.7"] });
    expect(await b.import("api")).toEqual(api);
    expect(await b.derived("api")).toBeUndefined();
  });

  test("and given back: the import stays, what was made for it goes, and what they write is left alone", async () => {
    await startBoth();
    await b.patch(serviceImports(), "web", OWN_LABEL);
    await world.settle();
    const { uid } = (await b.import("web"))?.metadata ?? {};
    await b.patch(serviceImports(), "web", NO_LABEL);
    await world.settle();
    expect((await b.import("web"))?.metadata.uid).toBe(uid);
    expect(await b.derived("web")).toBeUndefined();
    expect(await b.backends("web")).toEqual({ "cluster-one": ["100.64.0.7"] });
    await b.patch(serviceImports(), "web", { spec: { ips: ["243.0.0.9"] } });
    await world.settle();
    expect(await addressOf("web")).toBe("243.0.0.9");
  });
});

describe("from Cilium: imports whose address is that of a derived Service, of the name that ours has", () => {
  const DERIVED = derivedServiceName("shop", "web");
  let address: string | undefined;

  beforeEach(async () => {
    const { uid = "" } = (await theirImport("web")).metadata;
    const derived = await b.create<Service>(SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        namespace: "shop",
        name: DERIVED,
        annotations: { "service.cilium.io/global": "true" },
        ownerReferences: [
          { apiVersion: "multicluster.x-k8s.io/v1beta1", kind: "ServiceImport", name: "web", uid },
        ],
      },
      spec: { ports: [{ name: "http", port: 80 }] },
    });
    address = derived.spec.clusterIP;
    const ips = { spec: { ips: [address], ipFamilies: ["IPv4"] } };
    await b.patch(serviceImports(), "web", ips);
    await startBoth();
  });

  test("the address stays while theirs is there, and when ours takes its place", async () => {
    expect(address).toBeDefined();
    await b.patch(serviceImports(), "web", OWN_LABEL);
    await world.settle();
    expect(await addressOf("web")).toBe(address);
    const [ready] = (await b.import("web"))?.status?.conditions ?? [];
    expect(ready).toMatchObject({ status: "False", reason: "Pending" });
    expect(ready?.message).toContain(DERIVED);
    await b.remove(SERVICES, DERIVED);
    await world.settle();
    expect(await addressOf("web")).toBe(address);
    expect((await b.derived("web"))?.metadata.labels).toMatchObject({
      [LABEL_MANAGED_BY]: MANAGED_BY,
    });
    expect((await b.derived("web"))?.metadata.annotations).toBeUndefined();
    expect((await b.derived("web"))?.spec.clusterIP).toBe(address);
  });

  test("a Service of the derived name that was not made for the import gives it no address", async () => {
    await b.patch(SERVICES, DERIVED, { metadata: { ownerReferences: null } });
    await b.patch(serviceImports(), "web", OWN_LABEL);
    await world.settle();
    expect(await addressOf("web")).toBeUndefined();
  });
});

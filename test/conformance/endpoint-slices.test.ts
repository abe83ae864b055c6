import { afterEach, beforeEach, expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { MemberWorld } from "../controllers/member-world.ts";
import type { TestCluster } from "../controllers/test-cluster.ts";

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

test("EPS-02 to EPS-06, EPS-09, EPS-14: labels, owner and namespace of every slice", async () => {
  await a.exported();
  await a.slice("web-2", ["10.97.0.2"]);
  await b.exported();
  await world.settle();
  for (const member of [a, b]) {
    const owner = await member.import();
    const slices = await member.slices();
    expect(slices.map((slice) => slice.endpoints?.[0]?.addresses[0])).toEqual([
      "10.97.0.1",
      "10.97.0.2",
      "10.98.0.1",
    ]);
    for (const { metadata, endpoints } of slices) {
      const source = endpoints?.[0]?.addresses[0]?.startsWith("10.97.") ? "a" : "b";
      expect(metadata.namespace).toBe("shop");
      expect(metadata.labels).toMatchObject({
        "multicluster.kubernetes.io/service-name": "web",
        "multicluster.kubernetes.io/source-cluster": source,
        "endpointslice.kubernetes.io/managed-by": "isthmus.dev",
        "kubernetes.io/service-name": expect.stringMatching(/^derived-/),
      });
      expect(metadata.ownerReferences).toMatchObject([
        { kind: "ServiceImport", name: "web", uid: owner?.metadata.uid },
      ]);
    }
    expect(new Set(slices.map(({ metadata }) => metadata.name)).size).toBe(3);
  }
});

test("EPS-07: on unexport exactly that cluster's slices go, in every importer", async () => {
  await a.exported();
  await b.exported();
  await world.settle();
  const gone = (await b.slices()).find(({ endpoints }) =>
    endpoints?.[0]?.addresses.includes("10.97.0.1"),
  );
  await a.unexport();
  await world.settle();
  expect(await b.find(ENDPOINT_SLICES, gone?.metadata.name ?? "")).toBeUndefined();
  expect(await a.backends()).toEqual({ b: ["10.98.0.1"] });
  expect(await b.backends()).toEqual({ b: ["10.98.0.1"] });
});

test("EPS-13: the same slice has the same name after a restart and a re-export", async () => {
  await a.exported();
  await world.settle();
  const before = (await b.slices()).map(({ metadata }) => metadata.name);
  await a.unexport();
  await world.settle();
  b.restart();
  await a.export();
  await world.settle();
  expect((await b.slices()).map(({ metadata }) => metadata.name)).toEqual(before);
});

test("EPS-15, EPS-20, section 4.3: what does not travel, and what does", async () => {
  const source: Partial<EndpointSlice> = {
    metadata: {
      namespace: "shop",
      name: "web-1",
      labels: {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "service.kubernetes.io/service-proxy-name": "other-proxy",
        "service.kubernetes.io/headless": "",
        team: "x",
      },
    },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.97.0.1"],
        conditions: { ready: true, serving: true, terminating: false },
        hostname: "web-0",
        zone: "z1",
        nodeName: "node-1",
        targetRef: { kind: "Pod", name: "web-0" },
        hints: { forZones: [{ name: "z1" }] },
      },
    ],
  };
  await a.service();
  await a.slice("web-1", [], source);
  await a.export();
  await world.settle();
  const [slice] = await b.slices();
  expect(Object.keys(slice?.metadata.labels ?? {}).toSorted()).toEqual([
    "endpointslice.kubernetes.io/managed-by",
    "isthmus.dev/managed-by",
    "kubernetes.io/service-name",
    "multicluster.kubernetes.io/service-name",
    "multicluster.kubernetes.io/source-cluster",
  ]);
  expect(slice?.endpoints).toEqual([
    {
      addresses: ["10.97.0.1"],
      conditions: { ready: true, serving: true, terminating: false },
      hostname: "web-0",
      zone: "z1",
    },
  ]);
});

test("EPS-10: one family per slice, and names of hosts are no endpoints", async () => {
  const c = await world.member("c", { families: ["IPv4", "IPv6"] });
  await c.service({ ipFamilyPolicy: "PreferDualStack" });
  await c.slice("web-4", ["10.99.0.1"]);
  await c.slice("web-6", ["fd00:99::1"]);
  await c.slice("web-names", ["example.com"], { addressType: "FQDN" });
  await c.export();
  await world.settle();
  const slices = await c.slices();
  expect(slices.map(({ addressType }) => addressType)).toEqual(["IPv4", "IPv6"]);
});

test("EPS-16, EPS-24: 100 headless endpoints are one slice, with a derived name", async () => {
  const addresses = Array.from({ length: 100 }, (_, index) => `10.97.1.${index + 1}`);
  await a.exported({ clusterIP: "None" }, addresses);
  await world.settle();
  const slices = await b.slices();
  expect(slices).toHaveLength(1);
  expect(slices[0]?.endpoints).toHaveLength(100);
  const derived = (await b.derived())?.metadata.name;
  expect(derived).toMatch(/^derived-/);
  expect(slices[0]?.metadata.labels).toMatchObject({ "kubernetes.io/service-name": derived });
});

test("IMP-26, IMP-34: without endpoints the service is still Present", async () => {
  await a.exported({}, []);
  await world.settle();
  expect((await b.import())?.status).toMatchObject({
    endpointSliceObjects: "Present",
    clusters: [{ cluster: "a" }],
  });
  expect((await b.import())?.spec.ips).toHaveLength(1);
});

test("CON-26: a port without a number, which means all ports, is not exported by accident", async () => {
  await a.exported();
  await a.slice("web-all", ["10.97.0.9"], { ports: [{ name: "http", protocol: "TCP" }] });
  await world.settle();
  for (const member of [a, b]) expect(await member.backends()).toEqual({ a: ["10.97.0.1"] });
  expect((await a.conditions())["Ready"]).toBe("True/Exported");
});

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Endpoint, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { serviceKey } from "../../api/service-key.ts";
import { aNamespace, anImport, aSlice, port } from "../testing/objects.ts";
import { deriveServiceRecords } from "../zone/derive-service-records.ts";
import { slimImport, slimNamespace, slimSlice } from "./slim-objects.ts";

const endpoints: fc.Arbitrary<Endpoint> = fc.record(
  {
    addresses: fc.array(fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1", "none"), {
      maxLength: 3,
    }),
    conditions: fc.record(
      { ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() },
      { requiredKeys: [] },
    ),
    hostname: fc.constantFrom("db-0", "DB-1", "no host"),
    zone: fc.constant("z"),
    nodeName: fc.constant("n"),
  },
  { requiredKeys: ["addresses"] },
);

const slices: fc.Arbitrary<EndpointSlice> = fc
  .record({
    endpoints: fc.option(fc.array(endpoints, { maxLength: 4 })),
    cluster: fc.constantFrom("east", "west", "No Cluster"),
    name: fc.constantFrom("one", "two"),
    ports: fc.option(fc.subarray([port("http", 80), { port: 81 }, { name: "x" }])),
  })
  .map(({ endpoints, cluster, name, ports }) => {
    const slice = aSlice({ cluster, name, endpoints: [] });
    const metadata = { ...slice.metadata, annotations: { a: "b" }, managedFields: [{}] };
    return { ...slice, metadata, endpoints, ports };
  });

test("derivation sees no difference", () => {
  fc.assert(
    fc.property(fc.array(slices, { maxLength: 3 }), fc.boolean(), (of, isHeadless) => {
      const made = anImport({ isHeadless, ips: ["10.96.0.1"], ports: [port("http", 80)] });
      const annotations = {
        "dns.isthmus.dev/affinity": "local",
        "dns.isthmus.dev/weights": "east=3,west=0",
        "other.dev/x": "y",
      };
      const serviceImport = { ...made, metadata: { ...made.metadata, annotations } };
      const input = {
        key: serviceKey("shop", "web"),
        origin: "web.shop.svc.clusterset.local",
        policy: { balancing: { localCluster: "east" } },
      };
      const whole = deriveServiceRecords({ ...input, serviceImport, slices: of });
      const slim = deriveServiceRecords({
        ...input,
        serviceImport: slimImport(serviceImport),
        slices: of.map((slice) => slimSlice(slice)),
      });
      expect(slim).toEqual(whole);
    }),
  );
});

test("what was known of a slice changes nothing but whose memory it is", () => {
  fc.assert(
    fc.property(slices, slices, (first, second) => {
      const before = slimSlice(first);
      expect(slimSlice(second, before)).toEqual(slimSlice(second));
      slimSlice(first, before).endpoints?.forEach((endpoint, index) => {
        expect(endpoint).toBe(before.endpoints?.[index]);
      });
    }),
  );
});

test("an endpoint moves: the others are those that were there", () => {
  const before = slimSlice(aSlice({ endpoints: ["10.0.0.1=a", "10.0.0.2=b", "!10.0.0.3=c"] }));
  const after = slimSlice(
    aSlice({ endpoints: ["10.0.0.1=a", "10.0.0.9=b", "!10.0.0.3=c"] }),
    before,
  );
  const isKept = after.endpoints?.map((endpoint, index) => endpoint === before.endpoints?.[index]);
  expect(isKept).toEqual([true, false, true]);
});

test("what nobody reads goes; what a reflector needs stays", () => {
  const rest = { uid: "u", resourceVersion: "7", creationTimestamp: "t", finalizers: ["f"] };
  const slice = aSlice({ endpoints: ["10.0.0.1=db-0", "!10.0.0.2"], ports: [port("http", 80)] });
  const labels = { ...slice.metadata.labels, other: "label" };
  const full = { ...slice, metadata: { ...slice.metadata, ...rest, labels } };
  expect(slimSlice(full)).toEqual({
    ...slice,
    metadata: { ...slice.metadata, uid: "u", resourceVersion: "7" },
    endpoints: [
      { addresses: ["10.0.0.1"], hostname: "db-0" },
      { addresses: ["10.0.0.2"], conditions: { ready: false } },
    ],
  });
  const made = anImport({ ips: ["10.96.0.1"] });
  const annotations = { "dns.isthmus.dev/affinity": "local", "kubectl.kubernetes.io/x": "{}" };
  const status = { clusters: [{ cluster: "east" }] };
  expect(
    slimImport({ ...made, metadata: { ...made.metadata, ...rest, annotations }, status }),
  ).toEqual({
    ...made,
    metadata: {
      ...made.metadata,
      uid: "u",
      resourceVersion: "7",
      annotations: { "dns.isthmus.dev/affinity": "local" },
    },
  });
  const namespace = aNamespace("shop");
  expect(slimNamespace({ ...namespace, status: { phase: "Active" } })).toEqual(namespace);
});

import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { ObjectMeta } from "../../api/kube/object.ts";
import type { Service } from "../../api/kube/service.ts";
import {
  LABEL_KUBE_SERVICE_NAME,
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
  MANAGED_BY,
} from "../../api/mcs/labels.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { serviceKey } from "../../api/service-key.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { derivedServiceName } from "../import/derived-service/derived-service-name.ts";
import { anExport, aService, clusterId } from "../testing/builders.ts";
import {
  everyService,
  type Known,
  servicesFreedBy,
  servicesOf,
  servicesOfService,
  servicesOfSlice,
} from "./concerned-services.ts";

const OURS = { [LABEL_MANAGED_BY]: MANAGED_BY };
const DERIVED = derivedServiceName("shop", "web");

function aSlice(labels: Readonly<Record<string, string>>): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name: `slice-${Object.values(labels).join("-")}`, labels },
    addressType: "IPv4",
    endpoints: [],
    ports: [],
  };
}

function anImport(name: string, status?: ServiceImport["status"]): ServiceImport {
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { namespace: "shop", name },
    spec: { type: "ClusterSetIP", ports: [] },
    ...(status === undefined ? {} : { status }),
  };
}

/** A Service that carries out an import. */
function derived(importName: string): Service {
  const service = aService({}, derivedServiceName("shop", importName));
  const owner = { apiVersion: "x", kind: "ServiceImport", name: importName, uid: "1" };
  const metadata: ObjectMeta = {
    ...service.metadata,
    namespace: "shop",
    labels: OURS,
    ownerReferences: [owner],
  };
  return { ...service, metadata };
}

describe("an object of a service", () => {
  test("a Service: its own name, and the import that a derived one belongs to", () => {
    const [key, after] = ["shop/web", aService()];
    expect(servicesOfService({ key, before: undefined, after })).toEqual(["shop/web"]);
    expect(
      servicesOfService({ key: `shop/${DERIVED}`, before: derived("web"), after: undefined }),
    ).toEqual([`shop/${DERIVED}`, "shop/web"]);
  });

  test.each([
    { name: "Kubernetes' own", labels: { [LABEL_KUBE_SERVICE_NAME]: "web" }, want: ["shop/web"] },
    {
      name: "ours: the import, not the derived Service that it names too",
      labels: { [LABEL_SERVICE_NAME]: "web", [LABEL_KUBE_SERVICE_NAME]: DERIVED, ...OURS },
      want: ["shop/web"],
    },
    { name: "nobody's", labels: {}, want: [] },
  ])("a slice: $name", ({ labels, want }) => {
    expect(servicesOfSlice({ before: undefined, after: aSlice(labels) })).toEqual(want);
  });

  test("a slice that changes hands: the service of before and that of now", () => {
    const before = aSlice({ [LABEL_KUBE_SERVICE_NAME]: "web" });
    const after = aSlice({ [LABEL_KUBE_SERVICE_NAME]: "db" });
    expect(servicesOfSlice({ before, after })).toEqual(["shop/web", "shop/db"]);
  });
});

describe("a name that becomes free", () => {
  const foreign = aService({}, DERIVED);
  const object = { ...foreign, metadata: { ...foreign.metadata, namespace: "shop" } };
  const isReady = (status: "True" | "False") => ({
    conditions: [{ type: "Ready", status, reason: "", message: "", lastTransitionTime: "" }],
  });
  const imports = [
    anImport("web", isReady("False")),
    anImport("db", isReady("True")),
    anImport("new"),
  ];

  test.each([
    {
      name: "of somebody's object: imports that wait",
      given: object,
      want: ["shop/web", "shop/new"],
    },
    { name: "of ours: nobody waited for it", given: derived("web"), want: [] },
    {
      name: "that we would never take",
      given: { ...object, metadata: { ...object.metadata, name: "web" } },
      want: [],
    },
    {
      name: "in another namespace",
      given: { ...object, metadata: { ...object.metadata, namespace: "bank" } },
      want: [],
    },
  ])("$name", ({ given, want }) => {
    expect(servicesFreedBy({ before: given, after: undefined }, imports)).toEqual(want);
  });

  test("only once it is gone", () => {
    expect(servicesFreedBy({ before: object, after: object }, imports)).toEqual([]);
  });
});

describe("all that is known", () => {
  function store<T extends { metadata: ObjectMeta; apiVersion: string; kind: string }>(
    objects: readonly T[],
  ): ObjectStore<T> {
    const made = new ObjectStore<T>({}, { log: silentLogger });
    for (const object of objects) made.put(object);
    return made;
  }

  const rows = new Map([
    [serviceKey("shop", "row"), [anExport({ cluster: "west", name: "row" })]],
    [serviceKey("shop", "other"), [anExport({ cluster: "north", name: "other" })]],
  ]);
  const known: Known = {
    views: {
      exports: store<ServiceExport>([
        {
          apiVersion: "multicluster.x-k8s.io/v1beta1",
          kind: "ServiceExport",
          metadata: { namespace: "shop", name: "export" },
        },
      ]),
      imports: store([anImport("import", { clusters: [{ cluster: "west" }] })]),
      services: store([derived("orphan")]),
      slices: store([
        aSlice({ [LABEL_SERVICE_NAME]: "slice", [LABEL_SOURCE_CLUSTER]: "west", ...OURS }),
        aSlice({ [LABEL_KUBE_SERVICE_NAME]: "plain" }),
      ]),
    },
    link: {
      foreignServices: () => rows.keys(),
      foreignRows: (service) => rows.get(service) ?? [],
    },
  };

  test("every service: orphans too (CLN-12), and nothing that nobody shares", () => {
    expect([...everyService(known)].toSorted()).toEqual([
      "shop/export",
      "shop/import",
      "shop/orphan",
      "shop/other",
      "shop/row",
      "shop/slice",
    ]);
  });

  test.each([
    { clusters: ["west"], want: ["shop/import", "shop/row", "shop/slice"] },
    { clusters: ["north"], want: ["shop/other"] },
    { clusters: [], want: [] },
  ])("of $clusters: by their rows, and by our objects", ({ clusters, want }) => {
    expect([...servicesOf(new Set(clusters.map(clusterId)), known)].toSorted()).toEqual(want);
  });
});

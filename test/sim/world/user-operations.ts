import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import {
  LABEL_KUBE_SERVICE_NAME,
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
} from "../../../api/mcs/labels.ts";
import { serviceExports } from "../../../api/mcs/service-export.ts";
import { serviceImports } from "../../../api/mcs/service-import.ts";
import { EXPORTED_LABELS, SERVICE_SHAPES } from "../script/service-shapes.ts";
import type { OwnObject, Target, UserAction } from "../script/step.ts";
import { derivedName } from "./derived-name.ts";
import type { SimCluster } from "./sim-cluster.ts";

const EXPORTS = serviceExports("v1beta1");
const IMPORTS = serviceImports("v1beta1");
const options = { signal: new AbortController().signal };

/** What users do. An operation that finds nothing to work on does nothing: so any step of a script can be left out. */
export async function performUserAction(cluster: SimCluster, action: UserAction): Promise<void> {
  switch (action.kind) {
    case "put-service":
      return putService(cluster, action);
    case "delete-service":
      return remove(cluster, SERVICES, action.namespace, action.service);
    case "put-endpoints":
      return putEndpoints(cluster, action);
    case "delete-endpoints":
      return remove(cluster, ENDPOINT_SLICES, action.namespace, sliceNameOf(action));
    case "export":
      return putExport(cluster, action);
    case "unexport":
      return remove(cluster, EXPORTS, action.namespace, action.service);
    case "create-namespace":
      return createNamespace(cluster, action.namespace);
    case "delete-namespace":
      return remove(cluster, NAMESPACES, undefined, action.namespace);
    case "edit-own":
      return editOwn(cluster, action);
    case "delete-own":
      for (const { resource, object } of findOwn(cluster, action).slice(0, 1)) {
        await remove(cluster, resource, action.namespace, object.metadata.name);
      }
      return undefined;
    case "put-hand-made":
      return putHandMade(cluster, action);
    case "delete-hand-made":
      return deleteHandMade(cluster, action);
  }
}

export async function createNamespace(cluster: SimCluster, name: string): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  await cluster.user.create<KubeObject>(NAMESPACES, namespace, options);
}

async function remove(
  cluster: SimCluster,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): Promise<void> {
  const ref = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  await cluster.user.delete(ref, {}, options);
}

/** A Service of this shape; its slices follow, as Kubernetes' own controller would see to it. */
export async function putService(
  cluster: SimCluster,
  { namespace, service: name, shape }: Target & { readonly shape: number },
): Promise<void> {
  const spec = SERVICE_SHAPES[shape];
  if (spec === undefined) return;
  const wanted: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name },
    spec,
  };
  const existing = cluster.get<Service>(SERVICES, `${namespace}/${name}`);
  if (existing !== undefined) {
    const kept = kindOf(existing) === kindOf(wanted) && kindOf(wanted) !== "external";
    if (kept) {
      const { ports = [], sessionAffinity = "None", internalTrafficPolicy = "Cluster" } = spec;
      const { type = "ClusterIP" } = spec;
      // Numbered at the API server: never those of another shape.
      const changed = { type, ports, sessionAffinity, internalTrafficPolicy };
      const patch = { spec: { ...changed, sessionAffinityConfig: null } };
      await cluster.user.mergePatch({ resource: SERVICES, namespace, name }, patch, options);
    } else {
      await remove(cluster, SERVICES, namespace, name);
      await cluster.user.create(SERVICES, wanted, options);
    }
  } else {
    await cluster.user.create(SERVICES, wanted, options);
  }
  for (const slice of sourceSlices(cluster, namespace, name)) {
    const ref = { resource: ENDPOINT_SLICES, namespace, name: slice.metadata.name };
    await cluster.user.mergePatch(ref, { ports: slicePorts(spec) }, options);
  }
}

function kindOf({ spec }: Service): "headless" | "external" | "virtual" {
  if (spec.type === "ExternalName") return "external";
  return spec.clusterIP === "None" ? "headless" : "virtual";
}

function slicePorts(spec: Service["spec"]): NonNullable<EndpointSlice["ports"]> {
  return (spec.ports ?? []).map(({ name, protocol = "TCP", port, targetPort, appProtocol }) => ({
    name: name ?? "",
    protocol,
    port: typeof targetPort === "number" ? targetPort : port,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
}

function sourceSlices(
  cluster: SimCluster,
  namespace: string,
  service: string,
): readonly EndpointSlice[] {
  return cluster
    .list<EndpointSlice>(ENDPOINT_SLICES, namespace)
    .filter((slice) => slice.metadata.labels?.[LABEL_KUBE_SERVICE_NAME] === service);
}

function sliceNameOf({ service, slice }: { service: string; slice: number }): string {
  return `${service}-pods-${slice}`;
}

const NAMESPACE_NUMBER: Readonly<Record<string, number>> = { shop: 1, bank: 2 };
const SERVICE_NUMBER: Readonly<Record<string, number>> = { web: 10, db: 20, private: 30 };

/** Addresses tell which cluster, service and slice they belong to: no two share one (I2). */
export async function putEndpoints(
  cluster: SimCluster,
  action: Target & { readonly slice: number; readonly present: number; readonly ready: number },
): Promise<void> {
  const { namespace, service, slice, present, ready } = action;
  const existing = cluster.get<Service>(SERVICES, `${namespace}/${service}`);
  if (existing === undefined) return;
  const third = (NAMESPACE_NUMBER[namespace] ?? 0) * 100 + (SERVICE_NUMBER[service] ?? 0) + slice;
  const endpoints = [0, 1, 2]
    .filter((bit) => (present & (1 << bit)) !== 0)
    .map((bit) => {
      const isReady = (ready & (1 << bit)) !== 0;
      return {
        addresses: [`10.${10 + cluster.index}.${third}.${bit + 1}`],
        conditions: { ready: isReady, serving: isReady, terminating: false },
      };
    });
  const name = sliceNameOf(action);
  const wanted: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name, labels: { [LABEL_KUBE_SERVICE_NAME]: service } },
    addressType: "IPv4",
    endpoints,
    ports: slicePorts(existing.spec),
  };
  if (cluster.get(ENDPOINT_SLICES, `${namespace}/${name}`) === undefined) {
    await cluster.user.create(ENDPOINT_SLICES, wanted, options);
  } else {
    const ref = { resource: ENDPOINT_SLICES, namespace, name };
    await cluster.user.mergePatch(ref, { endpoints, ports: wanted.ports }, options);
  }
}

async function putExport(
  cluster: SimCluster,
  { namespace, service: name, labels }: Target & { readonly labels: number },
): Promise<void> {
  const exportedLabels = EXPORTED_LABELS[labels];
  const spec = exportedLabels === undefined ? {} : { exportedLabels };
  if (cluster.get(EXPORTS, `${namespace}/${name}`) !== undefined) {
    const patch = { spec: { exportedLabels: null, ...spec } };
    // A merge patch merges maps: gone first, then anew.
    const ref = { resource: EXPORTS, namespace, name };
    await cluster.user.mergePatch(ref, { spec: { exportedLabels: null } }, options);
    await cluster.user.mergePatch(ref, patch, options);
    return;
  }
  const metadata = { namespace, name };
  const apiVersion = "multicluster.x-k8s.io/v1beta1";
  await cluster.user.create<KubeObject>(
    EXPORTS,
    { apiVersion, kind: "ServiceExport", metadata, ...{ spec } },
    options,
  );
}

interface Found {
  readonly resource: Resource;
  readonly object: KubeObject;
}

function findOwn(
  cluster: SimCluster,
  { namespace, service, what }: Target & { readonly what: OwnObject },
): readonly Found[] {
  const found = candidates(cluster, namespace, service, what);
  return found.filter(({ object }) => object.metadata.labels?.[LABEL_MANAGED_BY] !== undefined);
}

function candidates(
  cluster: SimCluster,
  namespace: string,
  service: string,
  what: OwnObject,
): readonly Found[] {
  if (what === "slice") {
    return cluster
      .list<EndpointSlice>(ENDPOINT_SLICES, namespace)
      .filter((slice) => slice.metadata.labels?.[LABEL_SERVICE_NAME] === service)
      .map((object) => ({ resource: ENDPOINT_SLICES, object }));
  }
  const resource = what === "import" ? IMPORTS : SERVICES;
  const object = cluster.get(resource, `${namespace}/${nameOf(namespace, service, what)}`);
  return object === undefined ? [] : [{ resource, object }];
}

function nameOf(namespace: string, service: string, what: OwnObject): string {
  if (what === "import") return service;
  return what === "derived" ? derivedName(namespace, service) : `${service}-by-hand`;
}

const EDITS: Readonly<Record<OwnObject, object>> = {
  import: { spec: { sessionAffinity: "ClientIP", ports: [] } },
  derived: { spec: { ports: [{ name: "edited", port: 4711, protocol: "TCP" }] } },
  slice: { endpoints: [] },
};

async function editOwn(
  cluster: SimCluster,
  action: Target & { readonly what: OwnObject },
): Promise<void> {
  const { namespace } = action;
  for (const { resource, object } of findOwn(cluster, action).slice(0, 1)) {
    const ref = { resource, namespace, name: object.metadata.name };
    await cluster.user.mergePatch(ref, EDITS[action.what], options);
  }
}

async function putHandMade(
  cluster: SimCluster,
  { namespace, service, what }: Target & { readonly what: OwnObject },
): Promise<void> {
  const metadata = { namespace, name: nameOf(namespace, service, what) };
  const { user } = cluster;
  if (what === "import") {
    const apiVersion = "multicluster.x-k8s.io/v1beta1";
    const spec = { type: "ClusterSetIP", ports: [], ips: ["10.250.0.1"] };
    const made = { apiVersion, kind: "ServiceImport", metadata, ...{ spec } };
    await user.create<KubeObject>(IMPORTS, made, options);
  } else if (what === "derived") {
    const spec: Service["spec"] = { ports: [{ port: 9 }] };
    await user.create<Service>(
      SERVICES,
      { apiVersion: "v1", kind: "Service", metadata, spec },
      options,
    );
  } else {
    await user.create<EndpointSlice>(
      ENDPOINT_SLICES,
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { ...metadata, labels: { [LABEL_SERVICE_NAME]: service } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.251.0.1"] }],
        ports: [],
      },
      options,
    );
  }
}

async function deleteHandMade(
  cluster: SimCluster,
  { namespace, service, what }: Target & { readonly what: OwnObject },
): Promise<void> {
  const resource = { import: IMPORTS, derived: SERVICES, slice: ENDPOINT_SLICES }[what];
  const name = nameOf(namespace, service, what);
  const object = cluster.get(resource, `${namespace}/${name}`);
  if (object === undefined || object.metadata.labels?.[LABEL_MANAGED_BY] !== undefined) return;
  await remove(cluster, resource, namespace, name);
}

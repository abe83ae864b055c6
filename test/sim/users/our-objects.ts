import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import {
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
} from "../../../api/mcs/labels.ts";
import { serviceImports } from "../../../api/mcs/service-import.ts";
import type { OwnObject, Target } from "../script/step.ts";
import { derivedName } from "../world/derived-name.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { USER_CALL as options, remove } from "./requests.ts";

// What users do to objects that Isthmus wrote, and objects of their own under names that it would use.

const IMPORTS = serviceImports("v1beta1");

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

/** A label of the user's own on one of our objects: it stays. */
export const USER_LABEL = "example.com/mine";

/** Everything here is repaired, but for the user's label. */
const EDITS: Readonly<Record<OwnObject, readonly object[]>> = {
  import: [
    { spec: { sessionAffinity: "ClientIP", ports: [] } },
    { metadata: { labels: { team: null, [USER_LABEL]: "yes" } } },
    { metadata: { annotations: null, ownerReferences: null } },
  ],
  derived: [
    { spec: { ports: [{ name: "edited", port: 4711, protocol: "TCP" }] } },
    { spec: { selector: { app: "stolen" }, externalIPs: ["192.0.2.1"] } },
    { metadata: { labels: { [USER_LABEL]: "yes" }, ownerReferences: null } },
  ],
  slice: [
    { endpoints: [] },
    { metadata: { labels: { [LABEL_SERVICE_NAME]: null } } },
    { metadata: { labels: { [LABEL_SOURCE_CLUSTER]: "No_Cluster", [USER_LABEL]: "yes" } } },
  ],
};

export async function editOwn(
  cluster: SimCluster,
  action: Target & { readonly what: OwnObject; readonly edit: number },
): Promise<void> {
  const { namespace } = action;
  const change = EDITS[action.what][action.edit];
  if (change === undefined) return;
  for (const { resource, object } of findOwn(cluster, action).slice(0, 1)) {
    const ref = { resource, namespace, name: object.metadata.name };
    await cluster.user.mergePatch(ref, change, options);
  }
}

export async function deleteOwn(
  cluster: SimCluster,
  action: Target & { readonly what: OwnObject },
): Promise<void> {
  for (const { resource, object } of findOwn(cluster, action).slice(0, 1)) {
    await remove(cluster, resource, action.namespace, object.metadata.name);
  }
}

export async function putHandMade(
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

export async function deleteHandMade(
  cluster: SimCluster,
  { namespace, service, what }: Target & { readonly what: OwnObject },
): Promise<void> {
  const resource = { import: IMPORTS, derived: SERVICES, slice: ENDPOINT_SLICES }[what];
  const name = nameOf(namespace, service, what);
  const object = cluster.get(resource, `${namespace}/${name}`);
  if (object === undefined || object.metadata.labels?.[LABEL_MANAGED_BY] !== undefined) return;
  await remove(cluster, resource, namespace, name);
}

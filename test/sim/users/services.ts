import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { type IpFamily, SERVICES, type Service } from "../../../api/kube/service.ts";
import { LABEL_KUBE_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { SERVICE_SHAPES } from "../script/service-shapes.ts";
import type { Target } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { patch, remove, USER_CALL } from "./requests.ts";

/** What an update of a Service sets back when the new shape does not say it. */
const UNSET = {
  type: "ClusterIP",
  ports: [],
  sessionAffinity: "None",
  sessionAffinityConfig: null,
  internalTrafficPolicy: "Cluster",
  trafficDistribution: null,
  ipFamilyPolicy: "SingleStack",
};

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
    spec: { selector: { app: name }, ...spec },
  };
  const existing = cluster.get<Service>(SERVICES, `${namespace}/${name}`);
  if (existing !== undefined && isUpdate(existing, wanted)) {
    const { clusterIP: _, ...changed } = spec;
    // Numbered at the API server: never those of another shape.
    await patch(cluster, SERVICES, { namespace, name }, { spec: { ...UNSET, ...changed } });
  } else {
    if (existing !== undefined) await remove(cluster, SERVICES, namespace, name);
    await cluster.user.create(SERVICES, wanted, USER_CALL);
  }
  for (const slice of sourceSlices(cluster, namespace, name)) {
    const at = { namespace, name: slice.metadata.name };
    await patch(cluster, ENDPOINT_SLICES, at, { ports: slicePorts(spec) });
  }
}

/** Kubernetes changes neither a Service with an address into one without, nor what has no selector into what has. */
function isUpdate(existing: Service, wanted: Service): boolean {
  return kindOf(existing) === kindOf(wanted) && kindOf(wanted) !== "external";
}

function kindOf({ spec }: Service): "headless" | "free" | "external" | "virtual" {
  if (spec.type === "ExternalName") return "external";
  if (spec.clusterIP !== "None") return "virtual";
  return Object.keys(spec.selector ?? {}).length === 0 ? "free" : "headless";
}

/** The Service goes and comes back in the same instant, with the third of its endpoints alone. */
export async function recreateService(
  cluster: SimCluster,
  action: Target & { readonly shape: number },
): Promise<void> {
  const { namespace, service } = action;
  if (cluster.get(SERVICES, `${namespace}/${service}`) === undefined) return;
  await remove(cluster, SERVICES, namespace, service);
  for (const { metadata } of sourceSlices(cluster, namespace, service)) {
    await remove(cluster, ENDPOINT_SLICES, namespace, metadata.name);
  }
  await putService(cluster, action);
  await putEndpoints(cluster, { ...action, slice: 0, present: 4, ready: 4 });
}

export async function relabelService(
  cluster: SimCluster,
  { namespace, service, value }: Target & { readonly value: number },
): Promise<void> {
  const metadata = {
    labels: { version: `${value}` },
    annotations: { "example.com/note": `${value}` },
  };
  await patch(cluster, SERVICES, { namespace, name: service }, { metadata });
  for (const slice of sourceSlices(cluster, namespace, service)) {
    await patch(cluster, ENDPOINT_SLICES, { namespace, name: slice.metadata.name }, { metadata });
  }
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

export function sliceNameOf({ service, slice }: { service: string; slice: number }): string {
  return `${service}-pods-${slice}`;
}

/**
 * Endpoints of one slice, of the Service's first or second family. A pod has an address of each family and one name, as a
 * StatefulSet's have.
 */
export async function putEndpoints(
  cluster: SimCluster,
  action: Target & { readonly slice: number; readonly present: number; readonly ready: number },
): Promise<void> {
  const { namespace, service, slice, present, ready } = action;
  const existing = cluster.get<Service>(SERVICES, `${namespace}/${service}`);
  if (existing === undefined) return;
  const families = existing.spec.ipFamilies ?? ["IPv4"];
  const addressType = families[slice % families.length] ?? "IPv4";
  const endpoints = [0, 1, 2]
    .filter((bit) => (present & (1 << bit)) !== 0)
    .map((bit) => {
      const isReady = (ready & (1 << bit)) !== 0;
      return {
        addresses: [addressOf(cluster, action, addressType, bit)],
        conditions: { ready: isReady, serving: isReady, terminating: false },
        ...(existing.spec.clusterIP === "None" ? { hostname: `pod-${bit}` } : {}),
      };
    });
  const name = sliceNameOf(action);
  const wanted: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name, labels: { [LABEL_KUBE_SERVICE_NAME]: service } },
    addressType,
    endpoints,
    ports: slicePorts(existing.spec),
  };
  const before = cluster.get<EndpointSlice>(ENDPOINT_SLICES, `${namespace}/${name}`);
  if (before?.addressType === addressType) {
    await patch(cluster, ENDPOINT_SLICES, { namespace, name }, { endpoints, ports: wanted.ports });
    return;
  }
  if (before !== undefined) await remove(cluster, ENDPOINT_SLICES, namespace, name);
  await cluster.user.create(ENDPOINT_SLICES, wanted, USER_CALL);
}

const NAMESPACE_NUMBER: Readonly<Record<string, number>> = { shop: 1, bank: 2 };
const SERVICE_NUMBER: Readonly<Record<string, number>> = { web: 10, db: 20, private: 30 };

/** Addresses tell which cluster, service and slice they belong to: no two share one (I2). */
function addressOf(
  cluster: SimCluster,
  { namespace, service, slice }: Target & { readonly slice: number },
  family: IpFamily,
  bit: number,
): string {
  const third = (NAMESPACE_NUMBER[namespace] ?? 0) * 100 + (SERVICE_NUMBER[service] ?? 0) + slice;
  const first = 10 + cluster.index;
  return family === "IPv4"
    ? `10.${first}.${third}.${bit + 1}`
    : `fd00:${first}::${third}:${bit + 1}`;
}

import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { isTerminating, NAMESPACES, type Namespace } from "../../../api/kube/namespace.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { LABEL_KUBE_SERVICE_NAME, LABEL_MANAGED_BY } from "../../../api/mcs/labels.ts";
import { type ServiceExport, serviceExports } from "../../../api/mcs/service-export.ts";
import type { SimCluster } from "../world/sim-cluster.ts";

export const EXPORTS = serviceExports("v1beta1");

/** A valid export as its own API server holds it. */
export interface LiveExport {
  readonly cluster: SimCluster;
  readonly serviceExport: ServiceExport;
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

/**
 * Undefined when this cluster exports no such service: no export, no Service, one that cannot be exported (EXP-16), or
 * one of them or the namespace is going.
 */
export function liveExport(
  cluster: SimCluster,
  namespace: string,
  name: string,
): LiveExport | undefined {
  const serviceExport = cluster.get<ServiceExport>(EXPORTS, `${namespace}/${name}`);
  const service = cluster.get<Service>(SERVICES, `${namespace}/${name}`);
  if (serviceExport === undefined || service === undefined) return undefined;
  if (serviceExport.metadata.deletionTimestamp !== undefined) return undefined;
  const home = cluster.get<Namespace>(NAMESPACES, namespace);
  if (home === undefined || isTerminating(home)) return undefined;
  if (service.metadata.deletionTimestamp !== undefined) return undefined;
  if (service.spec.type === "ExternalName") return undefined;
  const slices = cluster
    .list<EndpointSlice>(ENDPOINT_SLICES, namespace)
    .filter(({ metadata: { labels = {} } }) => {
      return labels[LABEL_KUBE_SERVICE_NAME] === name && labels[LABEL_MANAGED_BY] === undefined;
    });
  return { cluster, serviceExport, service, slices };
}

/** All valid exports of a service in the clusterset, oldest first, then by cluster id (CON-02, CON-03). */
export function liveExports(
  clusters: readonly SimCluster[],
  namespace: string,
  name: string,
): readonly LiveExport[] {
  return clusters
    .flatMap((cluster) => liveExport(cluster, namespace, name) ?? [])
    .toSorted((left, right) => (rank(left) < rank(right) ? -1 : 1));
}

function rank({ cluster, serviceExport }: LiveExport): string {
  // RFC 3339 in UTC sorts as text.
  return `${serviceExport.metadata.creationTimestamp} ${cluster.id}`;
}

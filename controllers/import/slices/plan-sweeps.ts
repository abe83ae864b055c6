import type { ClusterId } from "../../../api/cluster-id.ts";
import { parseClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { type ServiceKey, serviceKey, splitServiceKey } from "../../../api/service-key.ts";
import { type PeerHealth, withheldClusters } from "../../liveness/withheld-clusters.ts";
import { isOwn } from "../../reconcile/is-own.ts";

/** Slices that one request deletes: those of one cluster for these services of one namespace. */
export interface SliceSweep {
  readonly namespace: string;
  readonly cluster: ClusterId;
  readonly services: readonly ServiceKey[];
}

/** Fewer go with the passes of their services, each on the identity of its slice. */
const SERVICES_MIN = 10;
/** Names in one request: some 7 KB of its address, and an answer well within the time of one. */
const SERVICES_MAX = 100;

/**
 * What can be deleted in few requests once these clusters are lost: their slices of the services that others are left to
 * answer for, as the slices that stand say (CLN-05, CLN-08). The passes of the services have the last word. Pure.
 * @param slices all that are known; those that are not ours are passed over (I3)
 * @param judge.mayChange false for a service of which something is still awaited (I4, I6), told the clusters of its slices
 */
export function planSweeps(
  slices: Iterable<EndpointSlice>,
  clusters: ReadonlySet<ClusterId>,
  judge: {
    readonly healthFor: (service: ServiceKey) => PeerHealth;
    readonly mayChange: (service: ServiceKey, sources: Iterable<ClusterId>) => boolean;
  },
): readonly SliceSweep[] {
  /** BOUNDED: by the services of the view. */
  const backing = new Map<ServiceKey, Map<ClusterId, boolean>>();
  for (const slice of slices) addBacking(backing, slice);
  const together = new Map<string, { cluster: ClusterId; services: ServiceKey[] }>();
  for (const [service, backed] of backing) {
    const doomed = [...clusters].filter((cluster) => backed.has(cluster));
    if (doomed.length === 0 || !judge.mayChange(service, backed.keys())) continue;
    const withheld = withheldClusters(backed, judge.healthFor(service));
    for (const cluster of doomed) {
      if (!withheld.has(cluster)) continue;
      const key = `${splitServiceKey(service).namespace}/${cluster}`;
      const found = together.get(key) ?? { cluster, services: [] };
      found.services.push(service);
      together.set(key, found);
    }
  }
  return [...together].flatMap(([key, { cluster, services }]) => {
    if (services.length < SERVICES_MIN) return [];
    const namespace = key.slice(0, key.indexOf("/"));
    const parts = Math.ceil(services.length / SERVICES_MAX);
    return Array.from({ length: parts }, (_, part) => ({
      namespace,
      cluster,
      services: services.slice(part * SERVICES_MAX, (part + 1) * SERVICES_MAX),
    }));
  });
}

/** Notes the cluster of one of our slices, and whether it has a ready endpoint there. */
function addBacking(backing: Map<ServiceKey, Map<ClusterId, boolean>>, slice: EndpointSlice): void {
  const { namespace, labels } = slice.metadata;
  const name = labels?.[LABEL_SERVICE_NAME];
  const cluster = parseClusterId(labels?.[LABEL_SOURCE_CLUSTER] ?? "");
  if (name === undefined || namespace === undefined || !cluster.ok || !isOwn(slice)) return;
  const service = serviceKey(namespace, name);
  const backed = backing.get(service) ?? new Map<ClusterId, boolean>();
  backing.set(service, backed);
  if (backed.get(cluster.value) === true) return;
  const isReady = (slice.endpoints ?? []).some(({ conditions }) => conditions?.ready === true);
  backed.set(cluster.value, isReady);
}

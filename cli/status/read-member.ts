import { LEASES, type Lease } from "../../api/kube/lease.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { LABEL_MANAGED_BY, LABEL_SOURCE_CLUSTER, MANAGED_BY } from "../../api/mcs/labels.ts";
import { MEMBER_STATUS_LEASE } from "../../api/mcs/member-status.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { LOCAL_NETWORK } from "../../api/network/member-network.ts";
import {
  parseMemberNetwork,
  parsePathReport,
  parsePeer,
  parseProxyTraffic,
} from "../../api/network/parse-network-objects.ts";
import type { Peer } from "../../api/network/peer.ts";
import type { ServiceTraffic } from "../../api/network/proxy-traffic.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../api/network/resources.ts";
import { ok, type Result } from "../../api/result.ts";
import { REPORT_FRESH_MS } from "../../controllers/network/derive-network.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { ClusterReader } from "../cluster/cluster-reader.ts";

export interface MemberObjects {
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly exports: readonly ServiceExport[];
  readonly imports: readonly ServiceImport[];
  /** One per source cluster. */
  readonly leases: readonly Lease[];
  /** By which the controllers say how they are; undefined: there is none, or it may not be read. */
  readonly controllers: Lease | undefined;
  readonly peers: readonly Peer[];
  readonly networkProblems: readonly string[];
  /** What each proxy that runs says it has carried. */
  readonly traffic: readonly (readonly ServiceTraffic[])[];
}

/** What one API server holds of a member. */
export async function readMember(
  reader: ClusterReader,
  places: {
    readonly systemNamespace: string;
    readonly namespace: string | undefined;
    readonly nowMs: number;
  },
): Promise<Result<MemberObjects, KubeError>> {
  const membership = await readMembership(reader);
  if (!membership.ok) return membership;
  const exports = await reader.listMcs<ServiceExport>(serviceExports, places.namespace);
  if (!exports.ok) return exports;
  const imports = await reader.listMcs<ServiceImport>(serviceImports, places.namespace);
  if (!imports.ok) return imports;
  const leases = await readPeerLeases(reader, places.systemNamespace);
  // Whoever may look at exports need not be one who may look there.
  if (!leases.ok && leases.error.kind !== "forbidden") return leases;
  const controllers = await readControllersLease(reader, places.systemNamespace);
  if (!controllers.ok && controllers.error.kind !== "forbidden") return controllers;
  return ok({
    ...membership.value,
    exports: exports.value,
    imports: imports.value,
    leases: leases.ok ? leases.value : [],
    controllers: controllers.ok ? controllers.value : undefined,
    // None where they may not be read: the rest of the report stands without them.
    peers: unwrapOr(await readPeers(reader), []),
    networkProblems: await readProblems(reader),
    traffic: await readTraffic(reader, places),
  });
}

/** Undefined when the property, or its whole kind, is not there: not a member. */
export async function readMembership(
  reader: ClusterReader,
): Promise<
  Result<
    { readonly clusterId: string | undefined; readonly clusterset: string | undefined },
    KubeError
  >
> {
  const clusterId = await reader.find<ClusterProperty>(clusterProperties(), CLUSTER_ID_PROPERTY);
  if (!clusterId.ok) return clusterId;
  const clusterset = await reader.find<ClusterProperty>(clusterProperties(), CLUSTERSET_PROPERTY);
  if (!clusterset.ok) return clusterset;
  return ok({
    clusterId: clusterId.value?.spec.value,
    clusterset: clusterset.value?.spec.value,
  });
}

export function readPeerLeases(
  reader: ClusterReader,
  namespace: string,
): Promise<Result<readonly Lease[], KubeError>> {
  const labelSelector = `${LABEL_MANAGED_BY}=${MANAGED_BY},${LABEL_SOURCE_CLUSTER}`;
  return reader.list<Lease>(LEASES, { namespace, labelSelector });
}

export function readControllersLease(
  reader: ClusterReader,
  namespace: string,
): Promise<Result<Lease | undefined, KubeError>> {
  return reader.find<Lease>(LEASES, MEMBER_STATUS_LEASE, namespace);
}

export async function readPeers(
  reader: ClusterReader,
): Promise<Result<readonly Peer[], KubeError>> {
  const listed = await reader.list<KubeObject>(PEERS);
  if (!listed.ok) return listed;
  return ok(
    listed.value.flatMap((object) => {
      const peer = parsePeer(object);
      return peer.ok ? [peer.value] : [];
    }),
  );
}

async function readProblems(reader: ClusterReader): Promise<readonly string[]> {
  const found = await reader.find<KubeObject>(MEMBER_NETWORKS, LOCAL_NETWORK);
  if (!found.ok || found.value === undefined) return [];
  const parsed = parseMemberNetwork(found.value);
  return parsed.ok ? (parsed.value.status?.problems ?? []) : [];
}

/** None where it may not be read. */
async function readTraffic(
  reader: ClusterReader,
  { namespace, nowMs }: { readonly namespace: string | undefined; readonly nowMs: number },
): Promise<readonly (readonly ServiceTraffic[])[]> {
  const listed = await reader.list<KubeObject>(PATH_REPORTS);
  return unwrapOr(listed, []).flatMap((object) => {
    const report = parsePathReport(object);
    const traffic = parseProxyTraffic(object);
    if (!report.ok || !traffic.ok || traffic.value === undefined) return [];
    if (nowMs - Date.parse(report.value.spec.renewedAt) > REPORT_FRESH_MS) return [];
    const { services } = traffic.value;
    const isWanted = ({ service }: ServiceTraffic): boolean =>
      namespace === undefined || service.startsWith(`${namespace}/`);
    return [services.filter(isWanted)];
  });
}

function unwrapOr<T>(result: Result<T, unknown>, otherwise: T): T {
  return result.ok ? result.value : otherwise;
}

import type { EndpointsRow, ServiceRow } from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";

/** How large the clusterset is, and what each member has. */
export interface Workload {
  readonly members: number;
  readonly exports: number;
  readonly endpointsPerExport: number;
  /** Exports are spread over these; each member subscribes to the first and to `namespacesPerMember` - 1 others. */
  readonly namespaces: number;
  readonly namespacesPerMember: number;
}

export function clusterAt(at: number): ClusterId {
  const cluster = parseClusterId(`c${at}`);
  if (!cluster.ok) throw new Error(cluster.error);
  return cluster.value;
}

/** The address of an export that each revision changes. */
export function addressOf(revision: number): string {
  return `10.251.${(revision >> 8) % 250}.${revision % 250}`;
}

/** The endpoints of export number `at`; the revision changes one address. */
export function endpointsAt(
  cluster: ClusterId,
  at: number,
  workload: Workload,
  revision = 0,
): EndpointsRow {
  const endpoints = Array.from({ length: workload.endpointsPerExport }, (_, pod) => ({
    addresses: [`10.${at % 250}.${(at >> 8) % 250}.${1 + pod}`],
    ready: true,
    serving: true,
    terminating: false,
    zone: "zone-a",
  }));
  const changed = { addresses: [addressOf(revision)] };
  return {
    kind: "endpoints",
    cluster,
    namespace: `ns-${at % workload.namespaces}`,
    name: `svc-${at}`,
    slice: `svc-${at}-x7k2p`,
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: [...endpoints, { ...changed, ready: true, serving: true, terminating: false }],
  };
}

/** Both rows of export number `at`. */
export function rowsAt(cluster: ClusterId, at: number, workload: Workload): readonly ServiceRow[] {
  const { namespace, name } = endpointsAt(cluster, at, workload);
  const exported: ServiceRow = {
    kind: "export",
    cluster,
    namespace,
    name,
    createdAtMs: 1_700_000_000_000 + at,
    type: "ClusterSetIP",
    ports: [{ name: "http", protocol: "TCP", port: 80 }],
    sessionAffinity: "None",
    ipFamilies: ["IPv4"],
    labels: {},
    annotations: {},
  };
  return [exported, endpointsAt(cluster, at, workload)];
}

export function namespacesOf(member: number, workload: Workload): readonly string[] {
  const { namespaces, namespacesPerMember } = workload;
  const wanted = new Set(["ns-0"]);
  for (let at = 1; wanted.size < Math.min(namespacesPerMember, namespaces); at++) {
    wanted.add(`ns-${(member * namespacesPerMember + at) % namespaces}`);
  }
  return [...wanted];
}

export function percentiles(times: readonly number[]): {
  readonly p50Ms: number;
  readonly p99Ms: number;
} {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (part: number): number =>
    Number((sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN).toFixed(2));
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

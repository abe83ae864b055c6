import type { EndpointsRow, ExportRow, ServiceRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";

/** What the clusterset has that one member imports. */
export interface Workload {
  /** Clusters that export. */
  readonly clusters: number;
  readonly services: number;
  /** Clusters that export each service, with one slice each. */
  readonly exporters: number;
  /** Of all its exporters together. */
  readonly endpointsPerService: number;
  readonly namespaces: number;
  /** Answers are the endpoints themselves. @default false */
  readonly isHeadless?: boolean;
}

/** One service in one cluster that exports it, and how it differs from what it was at first. */
export interface Exported {
  readonly service: number;
  readonly cluster: ClusterId;
  /** The first endpoint is not ready. */
  readonly isFirstDown?: boolean;
  readonly moreEndpoints?: number;
}

export function keyOf(service: number, { namespaces }: Workload): ServiceKey {
  return serviceKey(namespaceAt(service % namespaces), `svc-${service}`);
}

export function namespaceAt(at: number): string {
  return `ns-${at}`;
}

/** Indexes of the clusters that export a service: neighbours, so that each has its share. */
export function exportersOf(service: number, { clusters, exporters }: Workload): number[] {
  return Array.from({ length: exporters }, (_, at) => (service + at) % clusters);
}

/** Both rows of one export. */
export function rowsOf(exported: Exported, workload: Workload): readonly ServiceRow[] {
  return [exportRow(exported, workload), endpointsRow(exported, workload)];
}

function exportRow({ service, cluster }: Exported, workload: Workload): ExportRow {
  return {
    kind: "export",
    ...identity(service, cluster, workload),
    // Whoever joins later is younger, and changes nothing but the list of exporters.
    createdAtMs: 1_700_000_000_000 + placeOf(cluster, service, workload),
    type: workload.isHeadless === true ? "Headless" : "ClusterSetIP",
    ports: [{ name: "http", protocol: "TCP", port: 80 }],
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    labels: {},
    annotations: {},
  };
}

function endpointsRow(exported: Exported, workload: Workload): EndpointsRow {
  const { service, cluster, isFirstDown = false, moreEndpoints = 0 } = exported;
  const count = Math.round(workload.endpointsPerService / workload.exporters) + moreEndpoints;
  const network = 100 + (numberOf(cluster) % 100);
  return {
    kind: "endpoints",
    ...identity(service, cluster, workload),
    slice: `svc-${service}-x7k2p`,
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: Array.from({ length: count }, (_, pod) => {
      const isUp = pod > 0 || !isFirstDown;
      return {
        addresses: [`10.${network}.${service % 250}.${1 + (pod % 250)}`],
        ready: isUp,
        serving: isUp,
        terminating: false,
        zone: "zone-a",
      };
    }),
  };
}

/** 0 for the first cluster that exports the service, 1 for the next and so on. */
function placeOf(cluster: ClusterId, service: number, { clusters }: Workload): number {
  return (numberOf(cluster) + clusters - (service % clusters)) % clusters;
}

/** Of the clusters `c0`, `c1` and so on. */
function numberOf(cluster: ClusterId): number {
  return Number.parseInt(cluster.slice(1), 10);
}

function identity(
  service: number,
  cluster: ClusterId,
  workload: Workload,
): Pick<ExportRow, "cluster" | "namespace" | "name"> {
  const [namespace = "", name = ""] = keyOf(service, workload).split("/");
  return { cluster, namespace, name };
}

import type { ExportRow, RowPort } from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import type { Service } from "../../api/kube/service.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { LocalEndpointsRow } from "../export/derive-endpoints-rows.ts";

/** Builders for tests: each sets only what the row of a table is about. */

export function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** `name:port/PROTOCOL`, protocol TCP when left out: `http:80`, `dns:53/UDP`, `:80` for an unnamed one. */
export function port(text: string): RowPort {
  const match = /^([^:]*):(\d+)(?:\/(TCP|UDP|SCTP))?(?:=(.+))?$/.exec(text);
  if (match === null) throw new Error(`bad port in test: ${text}`);
  const [, name = "", number, protocol, appProtocol] = match;
  return {
    name,
    protocol: (protocol ?? "TCP") as RowPort["protocol"],
    port: Number(number),
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}

export function anExport(
  fields: Omit<Partial<ExportRow>, "cluster" | "ports"> & {
    readonly cluster: string;
    readonly ports?: readonly string[];
  },
): ExportRow {
  const { cluster, ports, ...rest } = fields;
  return {
    kind: "export",
    namespace: "shop",
    name: "web",
    createdAtMs: 1_000,
    type: "ClusterSetIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    labels: {},
    annotations: {},
    ...rest,
    cluster: clusterId(cluster),
    ports: (ports ?? ["http:80"]).map(port),
  };
}

export function someEndpoints(fields: {
  readonly cluster: string;
  readonly slice?: string;
  readonly ports?: readonly string[];
  readonly endpoints?: readonly (Partial<LocalEndpointsRow["endpoints"][number]> & {
    readonly address: string;
  })[];
  readonly addressType?: "IPv4" | "IPv6";
}): LocalEndpointsRow {
  return {
    kind: "endpoints",
    cluster: clusterId(fields.cluster),
    namespace: "shop",
    name: "web",
    slice: fields.slice ?? `web-${fields.cluster}`,
    addressType: fields.addressType ?? "IPv4",
    ports: (fields.ports ?? ["http:8080"]).map(port),
    endpoints: (fields.endpoints ?? []).map(({ address, ...rest }) => ({
      addresses: [address],
      ready: true,
      serving: true,
      terminating: false,
      ...rest,
    })),
  };
}

export function aService(spec: Partial<Service["spec"]> = {}, name = "web"): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.7",
      clusterIPs: ["10.96.0.7"],
      ipFamilies: ["IPv4"],
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: 8080 }],
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ...spec,
    },
  };
}

export function aServiceExport(
  fields: { readonly name?: string; readonly created?: string } & Pick<
    ServiceExport,
    "spec" | "status"
  > = {},
): ServiceExport {
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceExport",
    metadata: {
      namespace: "shop",
      name: fields.name ?? "web",
      generation: 1,
      creationTimestamp: fields.created ?? "2026-01-01T00:00:00Z",
    },
    ...(fields.spec === undefined ? {} : { spec: fields.spec }),
    ...(fields.status === undefined ? {} : { status: fields.status }),
  };
}

import type { EndpointsRow, ExportRow } from "../../../api/broker/row.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { OwnerReference } from "../../../api/kube/object.ts";
import {
  ANNOTATION_EXPORT_TO,
  LABEL_KUBE_SERVICE_NAME,
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SLICE_MANAGED_BY,
  LABEL_SOURCE_CLUSTER,
  MANAGED_BY,
} from "../../../api/mcs/labels.ts";
import type { LocalEndpoint } from "../../export/derive-endpoints-rows.ts";
import type { MergedService } from "../../merge/merge-exports.ts";
import { slicePorts } from "../derive-ports.ts";
import { derivedServiceName, shortHash } from "../derived-service/derived-service-name.ts";

/** Endpoints of one exporter as local clients must dial them. */
export interface ReachableRow extends EndpointsRow {
  readonly endpoints: readonly LocalEndpoint[];
}

/**
 * The MCS slices of one service in one importer: all exporters', the importer's own too (EPS-08), one per
 * source slice (EPS-05, CON-27), ports filtered and renamed by the merge (CON-24).
 * @param standing slices of the service that stay as they are: their endpoints count where all must agree.
 */
export function deriveSlices(
  merged: MergedService,
  rows: readonly ReachableRow[],
  owner: OwnerReference | undefined,
  standing: readonly EndpointSlice[] = [],
): readonly EndpointSlice[] {
  const slices = merged.exports.flatMap((exporter) =>
    rows
      .filter((row) => row.cluster === exporter.cluster)
      .flatMap((row) => deriveSlice(merged, exporter, row, owner) ?? []),
  );
  return withHints(merged.trafficDistribution, slices, standing);
}

function deriveSlice(
  merged: MergedService,
  exporter: ExportRow,
  row: ReachableRow,
  owner: OwnerReference | undefined,
): EndpointSlice | undefined {
  const ports = slicePorts(merged.ports, exporter, row);
  // CON-26: a cluster with none of the merged ports has no usable endpoints. A service without ports at all
  // is headless and is found by address only (HDL-09).
  if (ports.length === 0 && merged.ports.length > 0) return undefined;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace: merged.namespace,
      name: sliceName(merged.name, row.cluster, row.slice),
      labels: {
        [LABEL_SERVICE_NAME]: merged.name,
        [LABEL_SOURCE_CLUSTER]: row.cluster,
        [LABEL_SLICE_MANAGED_BY]: MANAGED_BY,
        [LABEL_MANAGED_BY]: MANAGED_BY,
        // EPS-14: never the real Service's name, which would mix remote endpoints into cluster.local.
        [LABEL_KUBE_SERVICE_NAME]: derivedServiceName(merged.namespace, merged.name),
      },
      ...(exporter.audience !== undefined && {
        // Gateways keep all others out.
        annotations: { [ANNOTATION_EXPORT_TO]: exporter.audience.join() },
      }),
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    addressType: row.addressType,
    ports: ports.map(
      (port): EndpointPort => ({
        name: port.name,
        protocol: port.protocol,
        port: port.port,
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      }),
    ),
    endpoints: row.endpoints.map(toEndpoint),
  };
}

/** A function of (import, source cluster, source slice), short whatever their lengths (EPS-13). */
export function sliceName(service: string, cluster: ClusterId, slice: string): string {
  return `${service}-${shortHash(`${cluster}/${slice}`)}`;
}

function toEndpoint(endpoint: LocalEndpoint): Endpoint {
  return {
    addresses: endpoint.addresses,
    conditions: {
      ready: endpoint.ready,
      serving: endpoint.serving,
      terminating: endpoint.terminating,
    },
    ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
    ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
    ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
  };
}

/**
 * kube-proxy honours `trafficDistribution` through hints only, and only kube-controller-manager writes them
 * for Services with selectors: here they are ours to write, on all ready endpoints or none (EPS-22).
 */
function withHints(
  distribution: string | undefined,
  slices: readonly EndpointSlice[],
  standing: readonly EndpointSlice[],
): readonly EndpointSlice[] {
  if (
    distribution !== "PreferClose" &&
    distribution !== "PreferSameZone" &&
    distribution !== "PreferSameNode"
  ) {
    return slices;
  }
  const ready = [...slices, ...standing]
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready);
  if (ready.some((endpoint) => endpoint.zone === undefined)) return slices;
  const nodes = distribution === "PreferSameNode";
  return slices.map((slice) => ({
    ...slice,
    endpoints: (slice.endpoints ?? []).map((endpoint) =>
      endpoint.conditions?.ready !== true || endpoint.zone === undefined
        ? endpoint
        : { ...endpoint, hints: hintsOf(endpoint.zone, nodes ? endpoint.nodeName : undefined) },
    ),
  }));
}

function hintsOf(zone: string, node: string | undefined): NonNullable<Endpoint["hints"]> {
  return {
    forZones: [{ name: zone }],
    ...(node === undefined ? {} : { forNodes: [{ name: node }] }),
  };
}

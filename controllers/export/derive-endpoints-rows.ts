import type { EndpointsRow, RowEndpoint, RowPort } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { PathSelection } from "../../connectivity/path-selection.ts";

/** An endpoint of our own cluster: its node is known here and meaningless elsewhere (EPS-20). */
export interface LocalEndpoint extends RowEndpoint {
  readonly nodeName?: string;
}

/** A row of our own cluster; the node names stay at home when it is encoded for the broker. */
export interface LocalEndpointsRow extends EndpointsRow {
  readonly endpoints: readonly LocalEndpoint[];
}

/**
 * Mirrors the slices of an exported Service one to one, since named target ports may differ from pod to
 * pod (CON-27). Not-ready endpoints travel too: their `serving` and `terminating` carry graceful
 * termination (EPS-19). targetRef, hints and topology stay behind (section 4.3).
 */
export function deriveEndpointsRows(
  cluster: ClusterId,
  service: { readonly namespace: string; readonly name: string },
  slices: readonly EndpointSlice[],
): readonly LocalEndpointsRow[] {
  const rows: LocalEndpointsRow[] = [];
  for (const slice of slices) {
    if (slice.addressType === "FQDN" || slice.metadata.deletionTimestamp !== undefined) continue;
    rows.push({
      kind: "endpoints",
      cluster,
      ...service,
      slice: slice.metadata.name,
      addressType: slice.addressType,
      ports: (slice.ports ?? []).flatMap(toRowPort),
      endpoints: (slice.endpoints ?? []).filter((e) => e.addresses.length > 0).map(toEndpoint),
    });
  }
  return rows.toSorted((a, b) => (a.slice < b.slice ? -1 : 1));
}

/** The rows as peers get them: only endpoints that they can dial. */
export function advertiseRows(
  rows: readonly LocalEndpointsRow[],
  paths: Pick<PathSelection, "advertise">,
): readonly EndpointsRow[] {
  return rows.map((row) => ({
    ...row,
    endpoints: row.endpoints.flatMap((endpoint) => {
      const { nodeName: _node, ...travels } = endpoint;
      const advertised = paths.advertise({ family: row.addressType, endpoint: travels });
      return advertised === undefined ? [] : [advertised.endpoint];
    }),
  }));
}

/** A port without a number means "all ports" in a slice: not something to export by accident (CON-26). */
function toRowPort(port: EndpointPort): readonly RowPort[] {
  if (port.port === undefined || port.port === null) return [];
  return [
    {
      name: port.name ?? "",
      protocol: port.protocol ?? "TCP",
      port: port.port,
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    },
  ];
}

function toEndpoint(endpoint: Endpoint): LocalEndpoint {
  const ready = endpoint.conditions?.ready ?? true;
  return {
    addresses: endpoint.addresses,
    ready,
    serving: endpoint.conditions?.serving ?? ready,
    terminating: endpoint.conditions?.terminating ?? false,
    ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
    ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
    ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
  };
}

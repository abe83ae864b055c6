import type { EndpointsRow, ExportRow, NetworkRow } from "../../api/broker/row.ts";
import { testCluster } from "./row-arbitrary.ts";

/** For tests: a valid export of `shop/web` by cluster a; a test changes what it is about. */
export function anExportRow(change: Partial<ExportRow> = {}): ExportRow {
  return {
    kind: "export",
    cluster: testCluster("a"),
    namespace: "shop",
    name: "web",
    createdAtMs: 1_700_000_000_000,
    type: "ClusterSetIP",
    ports: [{ name: "http", protocol: "TCP", port: 80 }],
    sessionAffinity: "None",
    ipFamilies: ["IPv4"],
    labels: {},
    annotations: {},
    ...change,
  };
}

/** For tests: a valid slice of `shop/web` by cluster a. */
export function anEndpointsRow(change: Partial<EndpointsRow> = {}): EndpointsRow {
  return {
    kind: "endpoints",
    cluster: testCluster("a"),
    namespace: "shop",
    name: "web",
    slice: "web-1",
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: [{ addresses: ["10.1.0.1"], ready: true, serving: true, terminating: false }],
    ...change,
  };
}

/** For tests: what cluster a may say about its network. */
export function aNetworkRow(change: Partial<NetworkRow> = {}): NetworkRow {
  return {
    kind: "network",
    cluster: testCluster("a"),
    podCidrs: ["10.1.0.0/16"],
    serviceCidrs: ["10.96.0.0/16"],
    globalPrefixes: [],
    nodePrefixes: [],
    backends: ["underlay"],
    responders: [],
    gateways: [],
    proxies: [],
    ...change,
  };
}

/** For tests: a gateway that may stand in a network row. */
export function aGateway(
  change: Partial<NetworkRow["gateways"][number]> = {},
): NetworkRow["gateways"][number] {
  return { node: "n1", endpoints: ["192.0.2.1"], port: 4790, tunnelAddresses: [], ...change };
}

import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { MemberNetworkSpec } from "../../../api/network/member-network.ts";
import type { NetworkFacts } from "../../../api/network/network-facts.ts";
import { ownNetwork, peerNetwork } from "./networks.ts";
import type { NodeFacts } from "./node-facts.ts";

export type Families = "v4" | "v6" | "dual";

export function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** Cluster `number` with so many nodes, the first `gateways` of them gateways. Pod networks are the same in every cluster. */
export function example(number: number, families: Families, { nodes = 2, gateways = 1 } = {}) {
  const has4 = families !== "v6";
  const has6 = families !== "v4";
  const pick = (v4: string, v6: string) => [...(has4 ? [v4] : []), ...(has6 ? [v6] : [])];
  const cluster = clusterId(`c${number}`);
  const indexes = Array.from({ length: nodes }, (_, index) => index + 1);
  const facts: NodeFacts[] = indexes.map((index) => ({
    name: `node-${index}`,
    internalIps: pick(`172.20.${number}.${index}`, `fd20:${number}::${index}`),
    podCidrs: pick(`10.0.${index}.0/24`, `fd10:0:0:${index}::/64`),
  }));
  const globalAddresses = (index: number) =>
    pick(`242.${number}.255.${index}`, `fd42:${number}:ffff::${index}`);
  const globalPrefixes = [
    ...(has4 ? [{ cidr: "10.0.0.0/17", global: `242.${number}.0.0/17` }] : []),
    ...(has6 ? [{ cidr: "fd10::/48", global: `fd42:${number}::/48` }] : []),
  ];
  const nodePrefixes = pick(`242.${number}.255.0/24`, `fd42:${number}:ffff::/120`);
  const spec: MemberNetworkSpec = {
    cluster,
    podCidrs: globalPrefixes.map(({ cidr }) => cidr),
    serviceCidrs: [],
    globalPrefixes,
    nodePrefixes,
    nodeAddresses: Object.fromEntries(
      indexes.map((index) => [`node-${index}`, globalAddresses(index)]),
    ),
    gateways: indexes.slice(0, gateways).map((index) => ({
      node: `node-${index}`,
      internalIps: facts[index - 1]?.internalIps ?? [],
      port: 4798,
      tunnelAddresses: globalAddresses(index),
      ready: true,
    })),
    encryption: "none",
  };
  const networkFacts: NetworkFacts = {
    podCidrs: spec.podCidrs,
    serviceCidrs: [],
    globalPrefixes,
    nodePrefixes,
    backends: ["vxlan"],
    responders: [],
    proxies: [],
    gateways: spec.gateways.map(({ node, internalIps, port, tunnelAddresses }) => ({
      node,
      endpoints: internalIps,
      port,
      tunnelAddresses,
    })),
  };
  return {
    cluster,
    spec,
    facts,
    networkFacts,
    own: ownNetwork(spec, facts),
    peer: peerNetwork(cluster, networkFacts),
    gatewayNames: spec.gateways.map(({ node }) => node),
  };
}

export function slice(
  source: ClusterId,
  addresses: readonly string[],
  ports: readonly { readonly protocol?: "TCP" | "UDP" | "SCTP"; readonly port?: number }[],
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "s", namespace: "ns", labels: { [LABEL_SOURCE_CLUSTER]: source } },
    addressType: addresses[0]?.includes(":") === true ? "IPv6" : "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports,
  };
}

import { parseClusterId } from "../../../api/cluster-id.ts";
import type { Encryption, MemberNetwork } from "../../../api/network/member-network.ts";
import type { Peer } from "../../../api/network/peer.ts";
import { NETWORK_GROUP, NETWORK_VERSION } from "../../../api/network/resources.ts";
import type { ClusterPlan, NodePlan } from "../../../sandbox/network/netns/net-plan.ts";

/** What controllers would write of a clusterset whose blocks of global addresses count as its clusters do. */
export interface NetworkChoice {
  /** How many nodes of each cluster, from the first, are gateways. */
  readonly gateways: number;
  readonly encryption: Encryption;
  readonly port: number;
}

const GLOBAL = {
  IPv4: {
    pods: (number: number) => `242.${number}.0.0/16`,
    nodes: (number: number) => `242.${100 + number}.0.0/24`,
    node: (number: number, host: number) => `242.${100 + number}.0.${host}`,
  },
  IPv6: {
    pods: (number: number) => `fd42:${number}::/48`,
    nodes: (number: number) => `fd42:${100 + number}::/120`,
    node: (number: number, host: number) => `fd42:${100 + number}::${host.toString(16)}`,
  },
} as const;
/** Gateways' addresses in the tunnel come behind those of all nodes. */
const GATEWAY_HOST = 100;

export function memberNetworkOf(cluster: ClusterPlan, choice: NetworkChoice): MemberNetwork {
  return {
    apiVersion: `${NETWORK_GROUP}/${NETWORK_VERSION}`,
    kind: "MemberNetwork",
    metadata: { name: "local" },
    spec: {
      cluster: clusterIdOf(cluster),
      podCidrs: cluster.podCidrs,
      serviceCidrs: cluster.serviceCidrs,
      globalPrefixes: globalPrefixesOf(cluster),
      nodePrefixes: cluster.families.map((family) => GLOBAL[family].nodes(cluster.number)),
      nodeAddresses: Object.fromEntries(
        cluster.nodes.map((node) => [node.name, nodeAddresses(cluster, numberOf(node))]),
      ),
      gateways: gatewaysOf(cluster, choice).map((node) => ({
        node: node.name,
        internalIps: node.addresses,
        port: choice.port,
        tunnelAddresses: nodeAddresses(cluster, GATEWAY_HOST + numberOf(node)),
        ready: true,
      })),
      encryption: choice.encryption,
    },
  };
}

export function peerOf(
  cluster: ClusterPlan,
  choice: NetworkChoice,
  keys: ReadonlyMap<string, { readonly publicKey: string; readonly wgPort: number }> = new Map(),
): Peer {
  return {
    apiVersion: `${NETWORK_GROUP}/${NETWORK_VERSION}`,
    kind: "Peer",
    metadata: { name: cluster.id },
    spec: {
      cluster: clusterIdOf(cluster),
      podCidrs: cluster.podCidrs,
      serviceCidrs: cluster.serviceCidrs,
      globalPrefixes: globalPrefixesOf(cluster),
      nodePrefixes: cluster.families.map((family) => GLOBAL[family].nodes(cluster.number)),
      backends: ["vxlan"],
      responders: [],
      gateways: gatewaysOf(cluster, choice).map((node) => ({
        node: node.name,
        endpoints: node.addresses,
        port: choice.port,
        tunnelAddresses: nodeAddresses(cluster, GATEWAY_HOST + numberOf(node)),
        ...keys.get(node.namespace),
      })),
      proxies: [],
    },
  };
}

/** A pod's address as the other clusters dial it. */
export function globalAddress(cluster: ClusterPlan, address: string): string {
  return address.includes(":")
    ? address.replace(/^fd10:[0-9a-f]+:/, `fd42:${cluster.number}:`)
    : address.replace(/^10\.\d+\./, `242.${cluster.number}.`);
}

function globalPrefixesOf(cluster: ClusterPlan): readonly { cidr: string; global: string }[] {
  return cluster.families.map((family, i) => ({
    cidr: cluster.podCidrs[i] ?? "",
    global: GLOBAL[family].pods(cluster.number),
  }));
}

function nodeAddresses(cluster: ClusterPlan, host: number): readonly string[] {
  return cluster.families.map((family) => GLOBAL[family].node(cluster.number, host));
}

function gatewaysOf(cluster: ClusterPlan, { gateways }: NetworkChoice): readonly NodePlan[] {
  return cluster.nodes.slice(0, gateways);
}

function numberOf(node: NodePlan): number {
  return Number(node.name.split("-").at(-1));
}

function clusterIdOf(cluster: ClusterPlan): MemberNetwork["spec"]["cluster"] {
  const id = parseClusterId(cluster.id);
  if (!id.ok) throw new Error(id.error);
  return id.value;
}

import type { ClusterId } from "../../../api/cluster-id.ts";
import { formatCidr, parseCidr } from "../../../api/network/cidr.ts";
import { formatIpAddress, parseIpAddress } from "../../../api/network/ip-address.ts";
import type { Encryption, MemberNetworkSpec } from "../../../api/network/member-network.ts";
import type { GatewayFact, NetworkFacts } from "../../../api/network/network-facts.ts";
import { type PrefixMap, parsePrefixMap } from "../../network/map-prefix.ts";
import type { NodeFacts } from "./node-facts.ts";

/**
 * The own cluster's network and its peers', read into the one text that the kernel uses too. What is no address or network
 * is left out here: these texts become commands and rule sets, and some of them were written in another cluster.
 */
export interface OwnNetwork {
  readonly cluster: ClusterId;
  /** Pod networks to global ones. */
  readonly maps: readonly PrefixMap[];
  /** All that is the own cluster's among global addresses. */
  readonly prefixes: readonly string[];
  readonly nodes: readonly OwnNode[];
  readonly gateways: readonly OwnGateway[];
  readonly encryption: Encryption;
  /** Largest IP packet between clusters, bytes; absent: as measured. */
  readonly mtu?: number;
}

export interface OwnNode extends NodeFacts {
  /** At most one a family; without any, it takes no part. */
  readonly globalAddresses: readonly string[];
}

export interface OwnGateway {
  readonly node: string;
  readonly port: number;
  readonly tunnelAddresses: readonly string[];
}

export interface PeerNetwork {
  readonly cluster: ClusterId;
  /** Pod networks to global ones. */
  readonly maps: readonly PrefixMap[];
  readonly prefixes: readonly string[];
  readonly gateways: readonly GatewayFact[];
}

export function ownNetwork(spec: MemberNetworkSpec, nodes: readonly NodeFacts[]): OwnNetwork {
  return {
    cluster: spec.cluster,
    maps: prefixMaps(spec.globalPrefixes),
    prefixes: globalNetworks(spec),
    nodes: nodes.map((node) => ({
      name: node.name,
      internalIps: addresses(node.internalIps),
      podCidrs: networks(node.podCidrs),
      globalAddresses: addresses(spec.nodeAddresses[node.name] ?? []),
    })),
    gateways: spec.gateways.map(({ node, port, tunnelAddresses }) => ({
      node,
      port,
      tunnelAddresses: addresses(tunnelAddresses),
    })),
    encryption: spec.encryption,
    ...(spec.mtu !== undefined && { mtu: spec.mtu }),
  };
}

export function peerNetwork(cluster: ClusterId, facts: NetworkFacts): PeerNetwork {
  return {
    cluster,
    maps: prefixMaps(facts.globalPrefixes),
    prefixes: globalNetworks(facts),
    gateways: facts.gateways.map((gateway) => ({
      ...gateway,
      endpoints: addresses(gateway.endpoints),
      tunnelAddresses: addresses(gateway.tunnelAddresses),
    })),
  };
}

/** The same gateway has the same name everywhere. */
export function gatewayName(cluster: ClusterId, node: string): string {
  return `${cluster}/${node}`;
}

export function prefixMaps(
  pairs: readonly { readonly cidr: string; readonly global: string }[],
): readonly PrefixMap[] {
  return pairs.flatMap(({ cidr, global }) => {
    const map = parsePrefixMap(cidr, global);
    return map.ok ? [map.value] : [];
  });
}

function globalNetworks(
  facts: Pick<NetworkFacts, "globalPrefixes" | "nodePrefixes">,
): readonly string[] {
  return networks([...facts.globalPrefixes.map(({ global }) => global), ...facts.nodePrefixes]);
}

function networks(texts: readonly string[]): readonly string[] {
  const good = texts.flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr.ok ? [formatCidr(cidr.value)] : [];
  });
  return [...new Set(good)].sort();
}

function addresses(texts: readonly string[]): readonly string[] {
  const good = texts.flatMap((text) => {
    const address = parseIpAddress(text);
    return address.ok ? [formatIpAddress(address.value)] : [];
  });
  return [...new Set(good)];
}

import { containsCidr, formatCidr, parseCidr } from "../../../api/network/cidr.ts";
import type { PrefixMap } from "../../network/map-prefix.ts";
import type { OwnNode } from "./networks.ts";

/** The pods of one node: their addresses in the cluster and in the clusterset. */
export interface NodeNetwork {
  readonly node: string;
  readonly pods: string;
  readonly global: string;
}

/**
 * Where the pods with global addresses are, as far as nodes say so. A pod network of a node that lies in no translated
 * network has no global addresses. A node without a global address cannot be sent to: its pods are found by the CNI.
 */
export function nodeNetworks(
  nodes: readonly OwnNode[],
  maps: readonly PrefixMap[],
): readonly NodeNetwork[] {
  return nodes
    .filter(({ globalAddresses, internalIps }) => globalAddresses.length * internalIps.length > 0)
    .flatMap(({ name, podCidrs }) =>
      podCidrs.flatMap((pods) => {
        const global = mapNetwork(pods, maps);
        return global === undefined ? [] : [{ node: name, pods, global }];
      }),
    );
}

/** A network under its other prefix; undefined when no map holds all of it. */
function mapNetwork(text: string, maps: readonly PrefixMap[]): string | undefined {
  const cidr = parseCidr(text);
  if (!cidr.ok) return undefined;
  for (const { from, to } of maps) {
    if (!containsCidr(from, cidr.value)) continue;
    const first = to.first | (cidr.value.first ^ from.first);
    return formatCidr({ family: to.family, first, prefix: cidr.value.prefix });
  }
  return undefined;
}

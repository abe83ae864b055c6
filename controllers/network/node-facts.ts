import type { Node } from "../../api/kube/node.ts";
import { cidrAround, formatCidr } from "../../api/network/cidr.ts";
import { addressBits, parseIpAddress } from "../../api/network/ip-address.ts";

/** What is kept of a Node. A kubelet's heartbeats are no news: of conditions only what the one about readiness says. */
export function slimNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { name, uid, resourceVersion, labels } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(labels === undefined ? {} : { labels }),
    },
    ...(spec === undefined ? {} : { spec }),
    status: {
      ...(status?.addresses === undefined ? {} : { addresses: status.addresses }),
      conditions: (status?.conditions ?? [])
        .filter(({ type }) => type === "Ready")
        .map(({ type, status: value }) => ({ type, status: value })),
    },
  };
}

/** Addresses of the node itself, as networks. */
export function hostNetworksOf({ status }: Node): readonly string[] {
  return (status?.addresses ?? []).flatMap(({ address: text }) => {
    const address = parseIpAddress(text);
    if (!address.ok) return [];
    return [formatCidr(cidrAround(address.value, addressBits(address.value.family)))];
  });
}

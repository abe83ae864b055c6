import type { Node } from "../../../api/kube/node.ts";

/** What the data path needs to know of a node of the own cluster. */
export interface NodeFacts {
  readonly name: string;
  /** Addresses of it inside the cluster, at most one a family. */
  readonly internalIps: readonly string[];
  /** Networks of its pods; empty where Kubernetes does not know them: the CNI alone finds its pods then. */
  readonly podCidrs: readonly string[];
}

export function nodeFacts({ metadata, spec, status }: Node): NodeFacts {
  const internal = (status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => address);
  const firstOf = (isV6: boolean) => internal.find((address) => address.includes(":") === isV6);
  const legacy = spec?.podCIDR === undefined ? [] : [spec.podCIDR];
  return {
    name: metadata.name,
    internalIps: [firstOf(false), firstOf(true)].filter((address) => address !== undefined),
    podCidrs: spec?.podCIDRs ?? legacy,
  };
}

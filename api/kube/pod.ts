import type { KubeObject, Resource } from "./object.ts";

export const PODS: Resource = {
  group: "",
  version: "v1",
  plural: "pods",
  kind: "Pod",
  namespaced: true,
};

/** Of a Pod only what tells whose an address is. */
export interface PodPlace extends KubeObject {
  /** A pod on the host's network has the node's address, which others have too. */
  readonly spec?: { readonly hostNetwork?: boolean };
  readonly status?: {
    /** Addresses of a pod that has ended, Succeeded or Failed, may be another's by now. */
    readonly phase?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
  };
}

/**
 * Addresses that are this pod's alone. One on the host's network has its node's, which others have too; one that has ended has
 * given its own back.
 */
export function ownAddresses({ spec, status }: PodPlace): readonly string[] {
  const hasEnded = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (spec?.hostNetwork === true || hasEnded) return [];
  return (status?.podIPs ?? []).map(({ ip }) => ip);
}

/** What of a pod is read, so that whatever else changes in it is no change. */
export function slimPod({ apiVersion, kind, metadata, spec, status }: PodPlace): PodPlace {
  const { name, namespace, labels } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels !== undefined && { labels }),
    },
    spec: { hostNetwork: spec?.hostNetwork ?? false },
    status: {
      ...(status?.phase !== undefined && { phase: status.phase }),
      podIPs: (status?.podIPs ?? []).map(({ ip }) => ({ ip })),
    },
  };
}

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

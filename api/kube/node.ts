import type { KubeObject, Resource } from "./object.ts";

export const NODES: Resource = {
  group: "",
  version: "v1",
  plural: "nodes",
  kind: "Node",
  namespaced: false,
};

export interface Node extends KubeObject {
  readonly spec?: {
    /** Networks of the node's pods, where Kubernetes hands them out (kube-controller-manager `--allocate-node-cidrs`). */
    readonly podCIDR?: string;
    readonly podCIDRs?: readonly string[];
    readonly unschedulable?: boolean;
  };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

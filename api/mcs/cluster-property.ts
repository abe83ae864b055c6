import type { KubeObject, Resource } from "../kube/object.ts";

export const ABOUT_GROUP = "about.k8s.io";

/** Served versions, best first (CID-11). */
export const ABOUT_VERSIONS = ["v1beta1", "v1alpha1"] as const;
export type AboutVersion = (typeof ABOUT_VERSIONS)[number];

export function clusterProperties(version: AboutVersion = "v1beta1"): Resource {
  return {
    group: ABOUT_GROUP,
    version,
    plural: "clusterproperties",
    kind: "ClusterProperty",
    namespaced: false,
  };
}

/** Holds the cluster id while the cluster is a member (CID-03). */
export const CLUSTER_ID_PROPERTY = "cluster.clusterset.k8s.io";
/** Names the clusterset; exists exactly while the cluster is a member (CID-06). */
export const CLUSTERSET_PROPERTY = "clusterset.k8s.io";

export interface ClusterProperty extends KubeObject {
  readonly spec: { readonly value: string };
}

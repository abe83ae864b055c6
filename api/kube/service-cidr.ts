import type { KubeObject, Resource } from "./object.ts";

/** Networks that ClusterIPs are taken from; stable since Kubernetes 1.33 (KEP-1880). */
export const SERVICE_CIDRS: Resource = {
  group: "networking.k8s.io",
  version: "v1",
  plural: "servicecidrs",
  kind: "ServiceCIDR",
  namespaced: false,
};

export interface ServiceCidr extends KubeObject {
  readonly spec?: { readonly cidrs?: readonly string[] };
}

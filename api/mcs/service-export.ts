import type { Condition } from "../kube/condition.ts";
import type { KubeObject, Resource } from "../kube/object.ts";

export const MCS_GROUP = "multicluster.x-k8s.io";
/** Served versions, best first: identical schemas (EXP-02, VER-04). */
export const MCS_VERSIONS = ["v1beta1", "v1alpha1"] as const;
export type McsVersion = (typeof MCS_VERSIONS)[number];

export function serviceExports(version: McsVersion = "v1beta1"): Resource {
  return {
    group: MCS_GROUP,
    version,
    plural: "serviceexports",
    kind: "ServiceExport",
    namespaced: true,
  };
}

/** "Export the Service with my namespace and name" (EXP-03). */
export interface ServiceExport extends KubeObject {
  readonly spec?: {
    readonly exportedLabels?: Readonly<Record<string, string>>;
    readonly exportedAnnotations?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

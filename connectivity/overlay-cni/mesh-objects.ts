import type { KubeObject, Resource } from "../../api/kube/object.ts";

/** Objects of a ConfigMap's or Secret's kind, as far as they are read here. */
export interface DataObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** What of a cluster tells which mesh its CNI has; undefined: there is no such object. */
export interface MeshObjects {
  /** Cilium: ConfigMap `cilium-config`. */
  readonly ciliumConfig: DataObject | undefined;
  /** Cilium: Secret `cilium-clustermesh`; a key for each remote cluster that agents connect to. */
  readonly ciliumRemotes: DataObject | undefined;
  /** Antrea: ClusterSets and ClusterInfoImports of all namespaces. */
  readonly antreaClusterSets: readonly KubeObject[];
  readonly antreaInfoImports: readonly KubeObject[];
  /** Kube-OVN: ConfigMap `ovn-ic-config`. */
  readonly ovnIcConfig: DataObject | undefined;
}

const core = (plural: string, kind: string): Resource => ({
  group: "",
  version: "v1",
  plural,
  kind,
  namespaced: true,
});
export const CONFIG_MAPS = core("configmaps", "ConfigMap");
export const SECRETS = core("secrets", "Secret");

const ANTREA_GROUP = "multicluster.crd.antrea.io";
/** v1alpha2 is what Antrea stores since 1.13. */
export const ANTREA_CLUSTER_SETS: Resource = {
  group: ANTREA_GROUP,
  version: "v1alpha2",
  plural: "clustersets",
  kind: "ClusterSet",
  namespaced: true,
};
export const ANTREA_INFO_IMPORTS: Resource = {
  group: ANTREA_GROUP,
  version: "v1alpha1",
  plural: "clusterinfoimports",
  kind: "ClusterInfoImport",
  namespaced: true,
};

/** Where CNIs are installed unless somebody says otherwise. */
export const CNI_NAMESPACES = ["kube-system", "cilium"];

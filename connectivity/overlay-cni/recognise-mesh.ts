import type { KubeObject } from "../../api/kube/object.ts";
import type { OwnOverlay } from "../select/why-unusable.ts";
import type { DataObject, MeshObjects } from "./mesh-objects.ts";

/** What a cluster's objects say about the mesh of its CNI. */
export interface RecognisedMesh extends OwnOverlay {
  /** Which part of the CNI imports services by itself, so that importing here would fight it; undefined: none does. */
  readonly importsServices: string | undefined;
}

/** The mesh that a CNI's own objects show; undefined: none. Pure. */
export function recogniseMesh(objects: MeshObjects): RecognisedMesh | undefined {
  return cilium(objects) ?? antrea(objects) ?? kubeOvn(objects);
}

/**
 * Cilium Cluster Mesh. `cluster-id` 0 is a cluster that is in none; the Secret has one key of the remote cluster's name for each
 * connection, beside its `<name>.etcd-client...` files and `common-...` ones.
 */
function cilium({ ciliumConfig, ciliumRemotes }: MeshObjects): RecognisedMesh | undefined {
  const { "cluster-name": id, "cluster-id": number } = ciliumConfig?.data ?? {};
  if (id === undefined || number === undefined || number === "0") return undefined;
  const remotes = remoteClusters(ciliumRemotes);
  const hasMcs = ciliumConfig?.data?.["clustermesh-enable-mcs-api"] === "true";
  return {
    mesh: "cilium-clustermesh",
    id,
    problemWith: (peer) =>
      remotes.has(peer)
        ? undefined
        : `Cilium Cluster Mesh is not connected to ${JSON.stringify(peer)}`,
    importsServices: hasMcs
      ? "Cilium's MCS-API controller (clustermesh-enable-mcs-api is true in ConfigMap cilium-config)"
      : undefined,
  };
}

function remoteClusters(secret: DataObject | undefined): ReadonlySet<string> {
  const keys = Object.keys(secret?.data ?? {});
  // Names of clusters are labels of RFC 1123 (Cilium 1.17), or older ones without a dot: files have one.
  return new Set(keys.filter((key) => !key.includes(".") && !key.startsWith("common-")));
}

/**
 * Antrea Multi-cluster. A member's ClusterSet names it and says whether its leader is heard (condition Ready); each other
 * member whose gateways are known has a ClusterInfoImport.
 */
function antrea({ antreaClusterSets, antreaInfoImports }: MeshObjects): RecognisedMesh | undefined {
  const clusterSet = antreaClusterSets.find(
    (object) => text(object, "spec", "clusterID") !== undefined,
  );
  const id = clusterSet === undefined ? undefined : text(clusterSet, "spec", "clusterID");
  if (clusterSet === undefined || id === undefined) return undefined;
  const notReady = conditionOf(clusterSet, "Ready");
  return {
    mesh: "antrea-multicluster",
    id,
    problemWith: (peer) => {
      const info = antreaInfoImports.find((object) => text(object, "spec", "clusterID") === peer);
      if (info === undefined) return `Antrea has no ClusterInfoImport of ${JSON.stringify(peer)}`;
      const gateways = field(field(info, "spec"), "gatewayInfos");
      if (!Array.isArray(gateways) || gateways.length === 0) {
        return `Antrea knows no gateway of ${JSON.stringify(peer)}`;
      }
      return notReady === undefined ? undefined : `Antrea's ClusterSet is not ready: ${notReady}`;
    },
    // The member's controller derives a Service and a ServiceImport of every export that its leader tells of.
    importsServices: `Antrea's multi-cluster controller (ClusterSet ${clusterSet.metadata.name})`,
  };
}

/** Kube-OVN's interconnection. Its state is in OVN's own databases: whether it works is left to probes. */
function kubeOvn({ ovnIcConfig }: MeshObjects): RecognisedMesh | undefined {
  const { "enable-ic": enabled, "az-name": id, "auto-route": autoRoute } = ovnIcConfig?.data ?? {};
  // As its controller takes it: whatever is not "false" is on.
  if (ovnIcConfig === undefined || enabled === "false" || id === undefined || id === "") {
    return undefined;
  }
  return {
    mesh: "kube-ovn-ic",
    id,
    problemWith: () =>
      autoRoute === "true"
        ? undefined
        : "Kube-OVN does not exchange routes (auto-route is not true in ConfigMap ovn-ic-config)",
    importsServices: undefined,
  };
}

/** Why a condition is not True; undefined: it is, or nothing is said. */
function conditionOf(object: KubeObject, type: string): string | undefined {
  const conditions = field(field(object, "status"), "conditions");
  if (!Array.isArray(conditions)) return undefined;
  const found: unknown = conditions.find((condition: unknown) => field(condition, "type") === type);
  if (found === undefined || field(found, "status") === "True") return undefined;
  const message = field(found, "message") ?? field(found, "reason");
  return typeof message === "string" && message !== "" ? message : "no reason given";
}

function text(object: KubeObject, part: string, name: string): string | undefined {
  const value = field(field(object, part), name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

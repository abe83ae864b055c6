import type { KubeObject } from "../../../api/kube/object.ts";
import { serviceExports } from "../../../api/mcs/service-export.ts";
import { EXPORT_SPECS } from "../script/service-shapes.ts";
import type { Target } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { patch, remove, USER_CALL } from "./requests.ts";

const EXPORTS = serviceExports("v1beta1");

export async function putExport(
  cluster: SimCluster,
  { namespace, service: name, spec: index }: Target & { readonly spec: number },
): Promise<void> {
  const spec = EXPORT_SPECS[index] ?? {};
  const metadata = { namespace, name };
  if (cluster.get(EXPORTS, `${namespace}/${name}`) !== undefined) {
    // A merge patch merges maps: gone first, then anew.
    const empty = { spec: { exportedLabels: null, exportedAnnotations: null } };
    await patch(cluster, EXPORTS, metadata, empty);
    await patch(cluster, EXPORTS, metadata, { spec });
    return;
  }
  const apiVersion = "multicluster.x-k8s.io/v1beta1";
  const made = { apiVersion, kind: "ServiceExport", metadata, ...{ spec } };
  await cluster.user.create<KubeObject>(EXPORTS, made, USER_CALL);
}

export function removeExport(cluster: SimCluster, { namespace, service }: Target): Promise<void> {
  return remove(cluster, EXPORTS, namespace, service);
}

export async function recreateExport(
  cluster: SimCluster,
  action: Target & { readonly spec: number },
): Promise<void> {
  if (cluster.get(EXPORTS, `${action.namespace}/${action.service}`) === undefined) return;
  await removeExport(cluster, action);
  await putExport(cluster, action);
}

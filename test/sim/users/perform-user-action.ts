import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import type { UserAction } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { putExport, recreateExport, removeExport } from "./exports.ts";
import { deleteHeld, letGo } from "./holds.ts";
import { deleteHandMade, deleteOwn, editOwn, putHandMade } from "./our-objects.ts";
import { remove, USER_CALL } from "./requests.ts";
import {
  putEndpoints,
  putService,
  recreateService,
  relabelService,
  sliceNameOf,
} from "./services.ts";

/** What users do. An operation that finds nothing to work on does nothing: so any step of a script can be left out. */
export async function performUserAction(
  clusters: readonly SimCluster[],
  action: UserAction,
): Promise<void> {
  const cluster = clusters[action.member];
  if (cluster === undefined) return;
  switch (action.kind) {
    case "put-service":
      return putService(cluster, action);
    case "delete-service":
      return remove(cluster, SERVICES, action.namespace, action.service);
    case "recreate-service":
      return recreateService(cluster, action);
    case "relabel-service":
      return relabelService(cluster, action);
    case "put-endpoints":
      return putEndpoints(cluster, action);
    case "delete-endpoints":
      return remove(cluster, ENDPOINT_SLICES, action.namespace, sliceNameOf(action));
    case "export":
      return putExport(cluster, action);
    case "unexport":
      return removeExport(cluster, action);
    case "recreate-export":
      return recreateExport(cluster, action);
    case "move-export": {
      const other = clusters[action.to];
      await removeExport(cluster, action);
      if (other !== undefined) await putExport(other, action);
      return undefined;
    }
    case "delete-held":
      return deleteHeld(cluster, action);
    case "let-go":
      return letGo(cluster, action);
    case "create-namespace":
      return createNamespace(cluster, action.namespace);
    case "delete-namespace":
      return remove(cluster, NAMESPACES, undefined, action.namespace);
    case "edit-own":
      return editOwn(cluster, action);
    case "delete-own":
      return deleteOwn(cluster, action);
    case "put-hand-made":
      return putHandMade(cluster, action);
    case "delete-hand-made":
      return deleteHandMade(cluster, action);
  }
}

export async function createNamespace(cluster: SimCluster, name: string): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  await cluster.user.create<KubeObject>(NAMESPACES, namespace, USER_CALL);
}

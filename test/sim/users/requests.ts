import type { Resource } from "../../../api/kube/object.ts";
import type { SimCluster } from "../world/sim-cluster.ts";

/** Users wait for every answer: their requests meet no faults. */
export const USER_CALL = { signal: new AbortController().signal };

export async function remove(
  cluster: SimCluster,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): Promise<void> {
  const ref = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  await cluster.user.delete(ref, {}, USER_CALL);
}

export async function patch(
  cluster: SimCluster,
  resource: Resource,
  at: { readonly namespace: string; readonly name: string },
  change: object,
): Promise<void> {
  await cluster.user.mergePatch({ resource, ...at }, change, USER_CALL);
}

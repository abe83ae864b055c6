import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { serviceImports } from "../../../api/mcs/service-import.ts";
import { type Change, collectionName } from "../world/sim-cluster.ts";

export const IMPORTS_COLLECTION = collectionName(serviceImports("v1beta1"));
const SLICES = collectionName(ENDPOINT_SLICES);

/** `namespace/name` of the import that a changed object is or belongs to; its own key when it belongs to none. */
export function importOf({ collection, key, before, after }: Change): string {
  const object = after ?? before;
  const namespace = object?.metadata.namespace ?? "";
  const label = object?.metadata.labels?.[LABEL_SERVICE_NAME];
  if (collection === SLICES && label !== undefined) return `${namespace}/${label}`;
  const owner = object?.metadata.ownerReferences?.find(({ kind }) => kind === "ServiceImport");
  return owner === undefined ? key : `${namespace}/${owner.name}`;
}

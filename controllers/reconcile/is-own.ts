import type { ObjectMeta } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";

/** Ours to change and to delete: it carries our label. Everything else is left alone (I3, IMP-06). */
export function isOwn(object: { readonly metadata: ObjectMeta }): boolean {
  return object.metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY;
}

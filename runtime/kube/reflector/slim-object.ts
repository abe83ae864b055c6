import type { KubeObject } from "../../../api/kube/object.ts";

/** The object without `metadata.managedFields`: often half of its bytes, and nobody reads it here. */
export function slimObject<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

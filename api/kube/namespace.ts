import type { KubeObject, Resource } from "./object.ts";

export const NAMESPACES: Resource = {
  group: "",
  version: "v1",
  plural: "namespaces",
  kind: "Namespace",
  namespaced: false,
};

export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** A terminating namespace takes no new objects (IMP-07). */
export function isTerminating(namespace: Namespace): boolean {
  return (
    namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating"
  );
}

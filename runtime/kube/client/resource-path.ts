import { invariant } from "../../../api/invariant.ts";
import type { Resource } from "../../../api/kube/object.ts";
import type { ObjectRef } from "../kube-client.ts";

/** Path of a collection: of one namespace, or of all when `namespace` is absent. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const root =
    resource.group === ""
      ? `/api/${resource.version}`
      : `/apis/${encodeURIComponent(resource.group)}/${resource.version}`;
  if (namespace === undefined) return `${root}/${resource.plural}`;
  invariant(resource.namespaced, "namespace given for a cluster-scoped resource", {
    plural: resource.plural,
    namespace,
  });
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
}

export function objectPath(
  { resource, namespace, name }: ObjectRef,
  subresource?: "status" | "log",
): string {
  invariant(!resource.namespaced || namespace !== undefined, "namespace missing for an object", {
    plural: resource.plural,
    name,
  });
  invariant(name !== "", "object name is empty", { plural: resource.plural });
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** What an RBAC rule would name: `services`, `serviceimports.multicluster.x-k8s.io/status`. */
export function targetName({ group, plural }: Resource, subresource?: "status" | "log"): string {
  const name = group === "" ? plural : `${plural}.${group}`;
  return subresource === undefined ? name : `${name}/${subresource}`;
}

/** Query string from what is set; empty when nothing is. */
export function queryString(
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query.toString()}`;
}

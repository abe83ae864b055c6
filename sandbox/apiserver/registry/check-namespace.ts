import { err, ok, type Result } from "../../../api/result.ts";
import { fieldAt } from "../object/json.ts";
import { forbidden, notFound, type StatusError } from "../object/status-error.ts";
import { collectionName } from "./kind-registry.ts";
import type { RegistryState, Target } from "./registry-state.ts";

export const NAMESPACES = collectionName("", "namespaces");

/** Nothing is created in a namespace that does not exist or is on its way out. */
export function checkNamespace(
  { store }: RegistryState,
  { kind, namespace }: Target,
  name: string,
): Result<void, StatusError> {
  if (namespace === undefined) return ok(undefined);
  const found = store.get(NAMESPACES, namespace);
  if (found === undefined) {
    return err(notFound({ group: "", plural: "namespaces" }, namespace));
  }
  if (fieldAt(found, ["metadata", "deletionTimestamp"]) === undefined) return ok(undefined);
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const error = forbidden(kind, name, why);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  return err({ ...error, details: { ...error.details, causes: [cause] } });
}

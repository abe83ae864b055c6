import { ok, type Result } from "../../../api/result.ts";
import { type JsonObject, stringAt } from "../object/json.ts";
import type { StatusError } from "../object/status-error.ts";
import { listObjects, type ObjectList } from "../registry/list-objects.ts";
import type { ListOptions } from "../registry/list-options.ts";
import type { RegistryState, Target } from "../registry/registry-state.ts";
import { deleteObject } from "./delete-object.ts";
import type { DeleteOptions } from "./delete-options.ts";

/** Deletes every selected object; answers with their last states. */
export function deleteCollection(
  state: RegistryState,
  target: Target,
  request: { readonly list: ListOptions; readonly options: DeleteOptions },
  nowMs: number,
): Result<ObjectList, StatusError> {
  const listed = listObjects(state, target, request.list);
  if (!listed.ok) return listed;
  const items: JsonObject[] = [];
  for (const object of listed.value.items) {
    const namespace = stringAt(object, ["metadata", "namespace"]);
    const name = stringAt(object, ["metadata", "name"]);
    const named = { ...target, ...(namespace === "" ? {} : { namespace }), name };
    const deleted = deleteObject(state, named, request.options, nowMs);
    if (!deleted.ok) {
      if (deleted.error.code === 404) continue;
      return deleted;
    }
    items.push(deleted.value.object);
  }
  return ok({ items, resourceVersion: String(state.store.revision) });
}

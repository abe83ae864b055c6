import { err, ok, type Result } from "../../../api/result.ts";
import { field, isObject, type JsonObject, type JsonValue, ownFields } from "../object/json.ts";
import { badRequest, type StatusError } from "../object/status-error.ts";

/** JSON merge patch (RFC 7396): objects merge, null removes, everything else replaces. */
export function mergePatch(
  document: JsonObject,
  patch: JsonValue,
): Result<JsonObject, StatusError> {
  if (!isObject(patch)) {
    return err(badRequest("error decoding patch: a merge patch must be a JSON object"));
  }
  return ok(mergeObject(document, patch));
}

function mergeObject(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) {
      merged.delete(key);
    } else if (isObject(change)) {
      const current = field(target, key);
      merged.set(key, mergeObject(isObject(current) ? current : {}, change));
    } else {
      merged.set(key, change);
    }
  }
  return ownFields(merged);
}

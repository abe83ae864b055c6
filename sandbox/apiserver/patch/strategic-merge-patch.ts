import { InvariantError } from "../../../api/invariant.ts";
import type { Result } from "../../../api/result.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import type { StatusError } from "../object/status-error.ts";
import type { Schema } from "../schema/schema.ts";

/** Kubernetes' own merge patch: lists merge by the keys the schema names, `$patch` and its kin direct it. */
export function strategicMergePatch(
  document: JsonObject,
  patch: JsonValue,
  schema: Schema,
): Result<JsonObject, StatusError> {
  throw new InvariantError("not written yet", { document, patch, schema });
}

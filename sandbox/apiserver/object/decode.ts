import { InvariantError } from "../../../api/invariant.ts";
import type { Result } from "../../../api/result.ts";
import type { Kind, KindVersion } from "../kinds/kind.ts";
import type { JsonObject } from "./json.ts";
import type { StatusError } from "./status-error.ts";

/** What to do with fields a schema does not know: the `fieldValidation` query parameter. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface DecodeRequest {
  readonly kind: Kind;
  readonly version: KindVersion;
  readonly body: JsonObject;
  readonly fieldValidation: FieldValidation;
  warn(message: string): void;
}

/**
 * Turns a request body (or a patched object) in `version` into an object in that same version: apiVersion and kind checked, unknown fields
 * dropped, types checked (built-ins: 400 as Go's decoder says; custom resources: left to validation), defaults added.
 */
export function decodeObject(request: DecodeRequest): Result<JsonObject, StatusError> {
  throw new InvariantError("not written yet", { request });
}

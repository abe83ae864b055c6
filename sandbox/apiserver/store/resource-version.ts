import { err, ok, type Result } from "../../../api/result.ts";
import { type JsonObject, stringAt, withFieldAt } from "../object/json.ts";

export function withResourceVersion(object: JsonObject, revision: number): JsonObject {
  return withFieldAt(object, ["metadata", "resourceVersion"], String(revision));
}

/** `version` as a client wrote it; "" for none. */
export function withResourceVersionText(object: JsonObject, version: string): JsonObject {
  return withFieldAt(object, ["metadata", "resourceVersion"], version === "" ? undefined : version);
}

export function resourceVersionOf(object: JsonObject): string {
  return stringAt(object, ["metadata", "resourceVersion"]);
}

/** Reads a revision from a request; undefined for "", which means "unset". Error text as Go's ParseUint has it. */
export function parseRevision(text: string): Result<number | undefined, string> {
  if (text === "") return ok(undefined);
  if (!/^[0-9]+$/.test(text)) {
    return err(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  return Number.isSafeInteger(value)
    ? ok(value)
    : err(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
}

import { schemaOfField } from "../schema/prune-unknown.ts";
import { KEEP_ZERO, type Schema } from "../schema/schema.ts";
import { isList, isObject, type JsonObject, type JsonValue, ownFields } from "./json.ts";

/**
 * What Go's encoding does to a built-in object: null and zero values ("", 0, false, empty lists and maps) are not written, except where
 * the schema keeps them. Without it an object read back would differ from the same object on a real server.
 */
export function dropZeros(schema: Schema, object: JsonObject): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const [key, value] of Object.entries(object)) {
    const child = schemaOfField(schema, key);
    if (child === undefined) {
      kept.push([key, value]);
      continue;
    }
    const next = inside(child, value);
    // An entry of a map is there because it was put there, whatever its value.
    const isEntry = schema.properties?.[key] === undefined;
    if (isEntry ? next !== null : !isZero(child, next)) kept.push([key, next]);
  }
  return ownFields(kept);
}

function inside(schema: Schema, value: JsonValue): JsonValue {
  if (isObject(value)) return dropZeros(schema, value);
  const items = schema.items;
  if (!isList(value) || items === undefined) return value;
  return value.map((item) => inside(items, item));
}

function isZero(schema: Schema, value: JsonValue): boolean {
  if (schema[KEEP_ZERO] === true) return false;
  if (value === null || value === "" || value === 0 || value === false) return true;
  if (isList(value)) return value.length === 0;
  // A struct is written even when empty, an empty map is not.
  return (
    isObject(value) && schema.additionalProperties !== undefined && Object.keys(value).length === 0
  );
}

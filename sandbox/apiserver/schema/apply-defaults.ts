import {
  field,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  withField,
} from "../object/json.ts";
import { schemaOfField } from "./prune-unknown.ts";
import type { Schema } from "./schema.ts";

/** Adds the defaults a schema names where a field is absent, or null and not nullable. Idempotent. */
export function applyDefaults(schema: Schema, object: JsonObject): JsonObject {
  const withOwn = Object.entries(schema.properties ?? {}).reduce(addDefault, object);
  return mapFields(withOwn, (key, value) => {
    const child = schemaOfField(schema, key);
    return child === undefined ? value : defaultValue(child, value);
  });
}

function defaultValue(schema: Schema, value: JsonValue): JsonValue {
  if (isObject(value)) return applyDefaults(schema, value);
  const items = schema.items;
  if (!isList(value) || items === undefined) return value;
  const next = value.map((item) => defaultValue(items, item));
  return next.every((item, index) => item === value[index]) ? value : next;
}

function addDefault(object: JsonObject, [key, schema]: readonly [string, Schema]): JsonObject {
  if (schema.default === undefined) return object;
  const current = field(object, key);
  const missing = current === undefined || (current === null && schema.nullable !== true);
  return missing ? withField(object, key, schema.default) : object;
}

function mapFields(
  object: JsonObject,
  change: (key: string, value: JsonValue) => JsonValue,
): JsonObject {
  let result = object;
  for (const [key, value] of Object.entries(object)) {
    const next = change(key, value);
    if (next !== value) result = withField(result, key, next);
  }
  return result;
}

import { field, isObject, type JsonObject, type JsonValue, ownFields } from "../object/json.ts";
import { GO_TYPE, type Schema } from "./schema.ts";

/**
 * The key fields of an item of a list of type map, absent ones taken from the schema's defaults; `undefined` for what is not an object
 * or has none of them.
 */
export function listKey(schema: Schema, item: JsonValue): JsonObject | undefined {
  if (!isObject(item)) return undefined;
  const entries: [string, JsonValue][] = [];
  for (const name of schema["x-kubernetes-list-map-keys"] ?? []) {
    const value = field(item, name) ?? defaultKey(schema.items, name);
    if (value !== undefined) entries.push([name, value]);
  }
  return entries.length === 0 ? undefined : ownFields(entries);
}

/** A key that is left out is its default; in a Go struct of a built-in it is the zero of its type. */
function defaultKey(items: Schema | undefined, name: string): JsonValue | undefined {
  const schema = items?.properties?.[name];
  if (schema?.default !== undefined || items?.[GO_TYPE] === undefined) return schema?.default;
  return schema?.type === "integer" ? 0 : "";
}

/** One text for one key, whatever the order of its fields. */
export function keyText(key: JsonValue): string {
  if (!isObject(key)) return JSON.stringify(key);
  const names = Object.keys(key).toSorted();
  return `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(key[name])}`).join(",")}}`;
}

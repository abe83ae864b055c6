import { isList, isObject, type JsonObject, type JsonValue, ownFields } from "../object/json.ts";
import type { Schema } from "./schema.ts";

export interface Pruned {
  readonly object: JsonObject;
  /** Paths of the fields dropped, in the order met: `spec.nope`, `spec.ports[0].nope`. */
  readonly unknownPaths: readonly string[];
}

/** What an embedded resource carries whether or not its schema says so. */
const RESOURCE_FIELDS: readonly string[] = ["apiVersion", "kind", "metadata"];

/** Drops the fields a schema does not name. Values of the wrong type are left for validation to report. */
export function pruneUnknown(schema: Schema, object: JsonObject): Pruned {
  const unknownPaths: string[] = [];
  const pruned = pruneObject(schema, object, "", unknownPaths);
  return { object: pruned, unknownPaths };
}

function prune(schema: Schema, value: JsonValue, path: string, unknown: string[]): JsonValue {
  if (isObject(value)) return pruneObject(schema, value, path, unknown);
  const items = schema.items;
  if (!isList(value) || items === undefined) return value;
  return value.map((item, index) => prune(items, item, `${path}[${index}]`, unknown));
}

function pruneObject(
  schema: Schema,
  object: JsonObject,
  path: string,
  unknown: string[],
): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const [key, value] of Object.entries(object)) {
    const at = path === "" ? key : `${path}.${key}`;
    const known = schemaOfField(schema, key);
    if (known !== undefined) kept.push([key, prune(known, value, at, unknown)]);
    else if (keepsUnknown(schema, key)) kept.push([key, value]);
    else unknown.push(at);
  }
  return ownFields(kept);
}

/** The schema of one field or map entry of an object; `undefined` when the schema has none. */
export function schemaOfField(schema: Schema, key: string): Schema | undefined {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

/** True when a field without a schema is kept all the same. */
export function keepsUnknown(schema: Schema, key: string): boolean {
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return true;
  if (schema.additionalProperties === true) return true;
  return schema["x-kubernetes-embedded-resource"] === true && RESOURCE_FIELDS.includes(key);
}

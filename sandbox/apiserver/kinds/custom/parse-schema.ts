import { isObject, type JsonObject, type JsonValue } from "../../object/json.ts";
import type { Schema } from "../../schema/schema.ts";

const CHILD_MAPS = ["properties"] as const;
const CHILD_LISTS = ["allOf", "anyOf", "oneOf"] as const;
const CHILDREN = ["items", "not", "additionalProperties"] as const;

/**
 * The schema of a CustomResourceDefinition that passed `validateStructure`: the same JSON, read as a Schema. An unknown keyword does
 * nothing, as in OpenAPI.
 */
export function parseSchema(json: JsonObject): Schema {
  const parsed: Record<string, unknown> = { ...json };
  for (const key of CHILD_MAPS) parsed[key] = mapOf(json[key]);
  for (const key of CHILD_LISTS) parsed[key] = listOf(json[key]);
  for (const key of CHILDREN) parsed[key] = childOf(json[key]);
  for (const [key, value] of Object.entries(parsed)) if (value === undefined) delete parsed[key];
  return parsed;
}

function mapOf(value: JsonValue | undefined): Record<string, Schema> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) =>
      isObject(child) ? [[name, parseSchema(child)]] : [],
    ),
  );
}

function listOf(value: JsonValue | undefined): readonly Schema[] | undefined {
  return Array.isArray(value) ? value.filter(isObject).map(parseSchema) : undefined;
}

function childOf(value: JsonValue | undefined): Schema | boolean | undefined {
  if (typeof value === "boolean") return value;
  return isObject(value) ? parseSchema(value) : undefined;
}

import { isObject, type JsonValue } from "../object/json.ts";
import { keyText, listKey } from "../schema/list-key.ts";
import { schemaOfField } from "../schema/prune-unknown.ts";
import type { Schema } from "../schema/schema.ts";

/** What a value without a schema is taken for: objects merge by field, lists are one value. */
const UNKNOWN: Schema = {};

export function fieldElement(name: string): string {
  return `f:${name}`;
}

/** The field name of an `f:` element. */
export function fieldName(element: string): string {
  return element.slice(2);
}

/** How an item of a map list or set is addressed; an item without its keys by its place. */
export function itemElement(list: Schema, item: JsonValue, index: number): string {
  if (list["x-kubernetes-list-type"] === "set") return `v:${keyText(item)}`;
  const key = listKey(list, item);
  return key === undefined ? `i:${index}` : `k:${keyText(key)}`;
}

/** Lists merge item by item only when the schema says how items are told apart. */
export function isGranularList(schema: Schema): boolean {
  const type = schema["x-kubernetes-list-type"];
  return type === "map" || type === "set";
}

export function isGranularMap(schema: Schema): boolean {
  return schema["x-kubernetes-map-type"] !== "atomic";
}

export function childSchema(schema: Schema, name: string): Schema {
  return schemaOfField(schema, name) ?? UNKNOWN;
}

export function itemSchema(schema: Schema): Schema {
  return schema.items ?? UNKNOWN;
}

/** Whether the schema names this field, so that it belongs to a struct and not to a map. */
export function isNamedField(schema: Schema, name: string): boolean {
  return schema.properties !== undefined && Object.hasOwn(schema.properties, name);
}

/** As people read it: `.spec.ports[port=80,protocol="TCP"].name`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join("");
}

function formatElement(element: string): string {
  const body = element.slice(2);
  switch (element.slice(0, 2)) {
    case "f:":
      return `.${body}`;
    case "v:":
      return `[=${body}]`;
    case "k:": {
      const keys: unknown = JSON.parse(body);
      const fields = typeof keys === "object" && keys !== null ? Object.entries(keys) : [];
      return `[${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
    }
    default:
      return `[${body}]`;
  }
}

/** A value that has nothing in it to own. */
export function isEmptyContainer(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (isObject(value)) return Object.keys(value).length === 0;
  return Array.isArray(value) && value.length === 0;
}

import { field, isList, isObject, type JsonObject, type JsonValue } from "../object/json.ts";
import { keyText } from "../schema/list-key.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import type { Schema } from "../schema/schema.ts";
import {
  childSchema,
  formatPath,
  isGranularList,
  itemElement,
  itemSchema,
} from "./path-element.ts";

/** Why a configuration cannot be merged by its schema, in the words of structured-merge-diff; `undefined` when it can. */
export function checkConfiguration(schema: Schema, applied: JsonObject): string | undefined {
  const [unknown] = pruneUnknown(schema, applied).unknownPaths;
  if (unknown !== undefined) return `.${unknown}: field not declared in schema`;
  return checkValue(schema, applied, "");
}

function checkValue(schema: Schema, value: JsonValue, path: string): string | undefined {
  if (isList(value)) return isGranularList(schema) ? checkItems(schema, value, path) : undefined;
  if (!isObject(value)) return undefined;
  for (const [name, child] of Object.entries(value)) {
    const wrong = checkValue(childSchema(schema, name), child, `${path}.${name}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** An item must be told apart from every other, or nobody could own it. */
function checkItems(schema: Schema, list: readonly JsonValue[], path: string): string | undefined {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const missing = checkKeys(schema, item);
    if (missing !== undefined) return `${path}: element ${index}: ${missing}`;
    const element = itemElement(schema, item, index);
    const shown = formatPath([element]);
    if (seen.has(element)) return `${path}: duplicate entries for key ${shown}`;
    seen.add(element);
    const wrong = checkValue(itemSchema(schema), item, path + shown);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkKeys(schema: Schema, item: JsonValue): string | undefined {
  if (schema["x-kubernetes-list-type"] === "set") {
    return isScalar(item)
      ? undefined
      : `associative list without keys has an element that's not a scalar: ${keyText(item)}`;
  }
  if (!isObject(item)) return "associative list with keys may not have non-map elements";
  for (const name of schema["x-kubernetes-list-map-keys"] ?? []) {
    const value = field(item, name) ?? schema.items?.properties?.[name]?.default;
    if (value === undefined || !isScalar(value)) {
      return `associative list with keys has an element that omits key field ${JSON.stringify(name)} (and doesn't have default value)`;
    }
  }
  return undefined;
}

function isScalar(value: JsonValue): boolean {
  return value !== null && !isObject(value) && !isList(value);
}

import { assertNever } from "../../../api/invariant.ts";
import { goSyntax, goText, goTypeName } from "../object/go-text.ts";
import { isList, isObject, type JsonObject, type JsonValue } from "../object/json.ts";
import { keyText, listKey } from "../schema/list-key.ts";
import { keepsUnknown, schemaOfField } from "../schema/prune-unknown.ts";
import type { Schema } from "../schema/schema.ts";
import { formatPath, isGranularList, itemElement, itemSchema } from "./path-element.ts";

/** Why a configuration cannot be merged by its schema, in the words of structured-merge-diff; empty when it can. */
export function checkConfiguration(schema: Schema, applied: JsonObject): readonly string[] {
  return checkFields(schema, applied, "");
}

function checkValue(schema: Schema, value: JsonValue, path: string): readonly string[] {
  if (value === null || schema["x-kubernetes-int-or-string"] === true) return [];
  switch (schema.type) {
    case "object":
      if (!isObject(value)) return [`${path}: expected map, got &{${goText(value)}}`];
      return checkFields(schema, value, path);
    case "array":
      if (!isList(value)) return [`${path}: expected list, got &{${goText(value)}}`];
      return checkItems(schema, value, path);
    case "string": {
      const seen = `&value.valueUnstructured{Value:${goSyntax(value)}}`;
      return typeof value === "string" ? [] : [`${path}: expected string, got ${seen}`];
    }
    case "boolean":
      return typeof value === "boolean"
        ? []
        : [`${path}: expected boolean, got &{${goText(value)}}`];
    case "integer":
    case "number":
      if (typeof value === "number") return [];
      return [`${path}: expected numeric (int or float), got ${goTypeName(value)}`];
    case undefined:
      return [];
    default:
      return assertNever(schema.type);
  }
}

function checkFields(schema: Schema, object: JsonObject, path: string): readonly string[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const at = `${path}.${name}`;
    const known = schemaOfField(schema, name);
    if (known !== undefined) return checkValue(known, value, at);
    return keepsUnknown(schema, name) ? [] : [`${at}: field not declared in schema`];
  });
}

/** An item of a granular list must be told apart from every other, or nobody could own it. */
function checkItems(schema: Schema, list: readonly JsonValue[], path: string): readonly string[] {
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const unnamed = isGranularList(schema) ? checkIdentity(schema, item) : undefined;
    if (unnamed !== undefined) return [`${path}: element ${index}: ${unnamed}`];
    const element = itemElement(schema, item, index);
    const shown = isGranularList(schema) ? formatPath([element]) : `[${index}]`;
    const isSecond = isGranularList(schema) && seen.has(element);
    seen.add(element);
    return [
      ...(isSecond ? [`${path}: duplicate entries for key ${shown}`] : []),
      ...checkValue(itemSchema(schema), item, path + shown),
    ];
  });
}

function checkIdentity(schema: Schema, item: JsonValue): string | undefined {
  if (schema["x-kubernetes-list-type"] === "set") {
    return isScalar(item)
      ? undefined
      : `associative list without keys has an element that's not a scalar: ${keyText(item)}`;
  }
  if (!isObject(item)) return "associative list with keys may not have non-map elements";
  if (listKey(schema, item) !== undefined) return undefined;
  const keys = (schema["x-kubernetes-list-map-keys"] ?? []).map((key) => JSON.stringify(key));
  return `associative list with keys has an element that omits all key fields [${keys.join(" ")}] (and doesn't have default values for any key fields)`;
}

function isScalar(value: JsonValue): boolean {
  return value !== null && !isObject(value) && !isList(value);
}

import { assertNever } from "../../../api/invariant.ts";
import { schemaOfField } from "../schema/prune-unknown.ts";
import { GO_TYPE, type Schema } from "../schema/schema.ts";
import { isList, isObject, type JsonValue } from "./json.ts";

interface Place {
  /** Go's name of the struct the value is a field of. */
  readonly struct: string;
  /** Names of the fields that lead here; items of lists add nothing. */
  readonly path: string;
}

/**
 * The first value a Go decoder could not put into its struct, in its words; `undefined` when all fit. Built-ins only: custom resources have
 * no structs and report types by validation.
 */
export function checkGoTypes(schema: Schema, value: JsonValue): string | undefined {
  return check(schema, value, { struct: schema[GO_TYPE] ?? "", path: "" });
}

function check(schema: Schema, value: JsonValue, place: Place): string | undefined {
  if (value === null) return undefined;
  if (!fits(schema, value)) {
    const seen = `json: cannot unmarshal ${goName(value)} into Go`;
    const where = place.path === "" ? "value" : `struct field ${place.struct}.${place.path}`;
    return `${seen} ${where} of type ${goType(schema)}`;
  }
  return isList(value) ? checkItems(schema, value, place) : checkFields(schema, value, place);
}

function checkItems(schema: Schema, list: readonly JsonValue[], place: Place): string | undefined {
  const items = schema.items;
  if (items === undefined) return undefined;
  for (const item of list) {
    const wrong = check(items, item, place);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkFields(schema: Schema, value: JsonValue, place: Place): string | undefined {
  if (!isObject(value)) return undefined;
  const struct = schema[GO_TYPE] ?? place.struct;
  for (const [key, item] of Object.entries(value)) {
    const child = schemaOfField(schema, key);
    if (child === undefined) continue;
    const path = place.path === "" ? key : `${place.path}.${key}`;
    const wrong = check(child, item, { struct, path });
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function fits(schema: Schema, value: JsonValue): boolean {
  if (schema["x-kubernetes-int-or-string"] === true) {
    return typeof value === "string" || Number.isInteger(value);
  }
  switch (schema.type) {
    case undefined:
      return true;
    case "object":
      return isObject(value);
    case "array":
      return isList(value);
    case "integer":
      return typeof value === "number" && Number.isInteger(value) && inRange(schema, value);
    case "number":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    default:
      return assertNever(schema.type);
  }
}

function inRange({ format }: Schema, value: number): boolean {
  return format !== "int32" || (value >= -2_147_483_648 && value <= 2_147_483_647);
}

function goName(value: JsonValue): string {
  if (isList(value)) return "array";
  if (isObject(value)) return "object";
  if (typeof value === "number") return `number ${value}`;
  return typeof value === "boolean" ? "bool" : "string";
}

function goType(schema: Schema): string {
  switch (schema.type) {
    case "integer":
      return schema.format ?? "int64";
    case "number":
      return "float64";
    case "boolean":
      return "bool";
    case "array":
      return `[]${schema.items === undefined ? "interface {}" : goType(schema.items)}`;
    case "object": {
      const values = schema.additionalProperties;
      if (typeof values === "object") return `map[string]${goType(values)}`;
      return `v1.${schema[GO_TYPE] ?? "Object"}`;
    }
    case "string":
    case undefined:
      return "string";
    default:
      return assertNever(schema.type);
  }
}

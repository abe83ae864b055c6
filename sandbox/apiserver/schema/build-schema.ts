import type { JsonValue } from "../object/json.ts";
import { GO_TYPE, KEEP_ZERO, type Schema } from "./schema.ts";

/** Short hands to write the schemas of built-in kinds with. Every field has a description: `kubectl explain` shows it. */

export type Properties = Readonly<Record<string, Schema>>;

export function struct(goType: string, description: string, properties: Properties): Schema {
  return { type: "object", description, properties, [GO_TYPE]: goType };
}

/** A struct that is owned and replaced as a whole. */
export function atomicStruct(goType: string, description: string, properties: Properties): Schema {
  return { ...struct(goType, description, properties), "x-kubernetes-map-type": "atomic" };
}

export function text(description: string): Schema {
  return { type: "string", description };
}

export function time(description: string): Schema {
  return { type: "string", format: "date-time", description };
}

export function int32(description: string): Schema {
  return { type: "integer", format: "int32", description };
}

export function int64(description: string): Schema {
  return { type: "integer", format: "int64", description };
}

export function bool(description: string): Schema {
  return { type: "boolean", description };
}

export function intOrString(description: string): Schema {
  return { "x-kubernetes-int-or-string": true, description };
}

export function textMap(description: string): Schema {
  return { type: "object", description, additionalProperties: { type: "string" } };
}

/** A map that is owned and replaced as a whole. */
export function atomicTextMap(description: string): Schema {
  return { ...textMap(description), "x-kubernetes-map-type": "atomic" };
}

/** Base64 values. */
export function bytesMap(description: string): Schema {
  return { type: "object", description, additionalProperties: { type: "string", format: "byte" } };
}

export function atomicList(description: string, items: Schema): Schema {
  return { type: "array", description, items, "x-kubernetes-list-type": "atomic" };
}

/** A list of distinct scalars, merged value by value. */
export function setList(description: string, items: Schema): Schema {
  return {
    type: "array",
    description,
    items,
    "x-kubernetes-list-type": "set",
    "x-kubernetes-patch-strategy": "merge",
  };
}

export interface MapListKeys {
  /** What tells items apart in server-side apply. */
  readonly keys: readonly string[];
  /** The one key strategic merge uses. */
  readonly mergeKey: string;
}

/** A list of structs that are told apart by keys and merged one by one. */
export function mapList(
  description: string,
  { keys, mergeKey }: MapListKeys,
  items: Schema,
): Schema {
  return {
    type: "array",
    description,
    items,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": keys,
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": mergeKey,
  };
}

/** An object whose fields this server does not look into. */
export function anyObject(description: string): Schema {
  return { type: "object", description, "x-kubernetes-preserve-unknown-fields": true };
}

export function withDefault(schema: Schema, value: JsonValue): Schema {
  return { ...schema, default: value };
}

/** A pointer in Go: its zero value is kept. */
export function pointer(schema: Schema): Schema {
  return { ...schema, [KEEP_ZERO]: true };
}

export function retainKeys(schema: Schema): Schema {
  return { ...schema, "x-kubernetes-patch-strategy": "retainKeys" };
}

import type { JsonValue } from "../object/json.ts";

export type SchemaType = "object" | "array" | "string" | "integer" | "number" | "boolean";

/**
 * Marks a field of a built-in kind whose zero value means something ("", 0, false, [] are kept): a pointer in the Go type. Other zero
 * values are the same as absent and are dropped by decoding. A symbol, so that it is never published.
 */
export const KEEP_ZERO: unique symbol = Symbol("keep zero");

/** The Go struct a built-in's object is decoded into, for the words of decoding errors. */
export const GO_TYPE: unique symbol = Symbol("go type");

/**
 * A structural schema: the subset of OpenAPI v3 that CustomResourceDefinitions allow, plus the markers that
 * server-side apply and strategic merge need. It is plain JSON, so it can be published as it stands.
 * A schema without a type (only with preserve-unknown-fields or int-or-string) takes any value.
 */
export interface Schema {
  readonly [KEEP_ZERO]?: true;
  readonly [GO_TYPE]?: string;
  readonly type?: SchemaType;
  readonly format?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly default?: JsonValue;
  readonly enum?: readonly JsonValue[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "granular" | "atomic";
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-validations"?: readonly JsonValue[];
  readonly "x-kubernetes-group-version-kind"?: readonly GroupVersionKind[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

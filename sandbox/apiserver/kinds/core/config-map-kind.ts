import {
  type FieldError,
  forbiddenField,
  invalidValue,
  tooLong,
} from "../../object/field-error.ts";
import { field, isObject, type JsonObject, jsonEquals, objectAt } from "../../object/json.ts";
import { configKey, dnsSubdomain } from "../../object/name-rules.ts";
import { bool, bytesMap, pointer, textMap } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";

/** Bytes of all values of a ConfigMap or Secret. */
export const DATA_BYTES_MAX = 1024 * 1024;

export const CONFIG_MAP = builtinKind({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  namespaced: true,
  description: "ConfigMap holds configuration data for pods to consume.",
  properties: {
    immutable: pointer(bool("If true, data cannot be updated, only metadata can.")),
    data: textMap("The configuration data, UTF-8."),
    binaryData: bytesMap("Binary data, base64. Keys must not overlap with data."),
  },
  columns: [dataColumn(["data", "binaryData"]), AGE_COLUMN],
  name: dnsSubdomain,
  rules: {
    validate: validateConfigMap,
    validateUpdate: (next, old) => validateImmutable(next, old, ["data", "binaryData"]),
  },
});

/** How many entries an object has. */
export function dataColumn(names: readonly string[]): PrinterColumn {
  return {
    name: "Data",
    type: "string",
    format: "",
    description: "Number of entries.",
    priority: 0,
    value: (object) =>
      names.reduce((sum, name) => sum + Object.keys(objectAt(object, [name])).length, 0),
  };
}

function validateConfigMap(configMap: JsonObject): readonly FieldError[] {
  const data = objectAt(configMap, ["data"]);
  const binary = objectAt(configMap, ["binaryData"]);
  const both = Object.keys(data).filter((key) => Object.hasOwn(binary, key));
  const bytes = bytesOf(data, (text) => Buffer.byteLength(text)) + bytesOf(binary, base64Bytes);
  return [
    ...validateKeys(data, "data"),
    ...both.map((key) =>
      invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData"),
    ),
    ...validateKeys(binary, "binaryData"),
    // The real server names no field here.
    ...(bytes > DATA_BYTES_MAX ? [tooLong("[]", DATA_BYTES_MAX)] : []),
  ];
}

export function validateKeys(data: JsonObject, at: string): readonly FieldError[] {
  return Object.keys(data).flatMap((key) =>
    configKey(key).map((problem) => invalidValue(`${at}[${key}]`, key, problem)),
  );
}

export function bytesOf(data: JsonObject, count: (text: string) => number): number {
  return Object.values(data).reduce(
    (sum: number, value) => sum + (typeof value === "string" ? count(value) : 0),
    0,
  );
}

export function base64Bytes(text: string): number {
  return Buffer.byteLength(text, "base64");
}

/** Once `immutable` is set, neither it nor the data changes. */
export function validateImmutable(
  next: JsonObject,
  old: JsonObject,
  names: readonly string[],
): readonly FieldError[] {
  if (field(old, "immutable") !== true) return [];
  const text = "field is immutable when `immutable` is set";
  const changed = names.filter((name) => !jsonEquals(entries(next, name), entries(old, name)));
  const flag = field(next, "immutable") === true ? [] : [forbiddenField("immutable", text)];
  return [...flag, ...changed.map((name) => forbiddenField(name, text))];
}

function entries(object: JsonObject, name: string): JsonObject {
  const value = field(object, name);
  return isObject(value) ? value : {};
}

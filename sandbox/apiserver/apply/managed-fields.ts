import {
  field,
  fieldAt,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  listAt,
  stringAt,
  withFieldAt,
} from "../object/json.ts";
import { decodeFieldSet, encodeFieldSet, type FieldSet, isEmpty, union } from "./field-set.ts";

export type Operation = "Apply" | "Update";

/** One entry of metadata.managedFields. */
export interface ManagerEntry {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  /** "" for the main resource. */
  readonly subresource: string;
  /** RFC 3339, "" when unknown. */
  readonly time: string;
  readonly fields: FieldSet;
}

const PATH = ["metadata", "managedFields"];

/**
 * Managers who only update, each by another name, would make an object grow without end: beyond this number the oldest are merged into one.
 * BOUNDED: by this number, as in the real server; appliers are not bounded.
 */
const UPDATERS_MAX = 10;
const ANCIENT = "ancient-changes";

export function readManagedFields(object: JsonObject): readonly ManagerEntry[] {
  return listAt(object, PATH).filter(isObject).map(readEntry);
}

function readEntry(json: JsonObject): ManagerEntry {
  return {
    manager: stringAt(json, ["manager"]),
    operation: stringAt(json, ["operation"]) === "Apply" ? "Apply" : "Update",
    apiVersion: stringAt(json, ["apiVersion"]),
    subresource: stringAt(json, ["subresource"]),
    time: stringAt(json, ["time"]),
    fields: decodeFieldSet(field(json, "fieldsV1")),
  };
}

/** `[{}]`: the way a client asks to forget all owners. */
export function isReset(object: JsonObject): boolean {
  const list = listAt(object, PATH);
  return list.length === 1 && jsonEquals(list[0], {});
}

export function hasManagedFields(object: JsonObject): boolean {
  return fieldAt(object, PATH) !== undefined;
}

export function withoutManagedFields(object: JsonObject): JsonObject {
  return withFieldAt(object, PATH, undefined);
}

export function writeManagedFields(
  object: JsonObject,
  entries: readonly ManagerEntry[],
): JsonObject {
  const kept = capUpdaters(entries.filter((entry) => !isEmpty(entry.fields)));
  const encoded = kept.toSorted(inOrder).map(encodeEntry);
  return withFieldAt(object, PATH, encoded.length === 0 ? undefined : encoded);
}

/** One applier is one whatever version it speaks; an updater is another in each version. */
export function isSameManager(a: ManagerEntry, b: ManagerEntry): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** Equal but for the times. */
export function ownTheSame(a: JsonObject, b: JsonObject): boolean {
  return jsonEquals(timeless(a), timeless(b));
}

function timeless(object: JsonObject): readonly JsonValue[] {
  return readManagedFields(object)
    .map((entry) => encodeEntry({ ...entry, time: "" }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function encodeEntry(entry: ManagerEntry): JsonObject {
  return {
    manager: entry.manager,
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    ...(entry.time === "" ? {} : { time: entry.time }),
    fieldsType: "FieldsV1",
    fieldsV1: encodeFieldSet(entry.fields),
    ...(entry.subresource === "" ? {} : { subresource: entry.subresource }),
  };
}

function inOrder(a: ManagerEntry, b: ManagerEntry): number {
  return (
    order(a.operation, b.operation) ||
    order(a.time, b.time) ||
    order(a.manager, b.manager) ||
    order(a.apiVersion, b.apiVersion) ||
    order(a.subresource, b.subresource)
  );
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function capUpdaters(entries: readonly ManagerEntry[]): readonly ManagerEntry[] {
  const updaters = entries.filter((entry) => entry.operation === "Update").toSorted(inOrder);
  if (updaters.length <= UPDATERS_MAX) return entries;
  const surplus = updaters.slice(0, updaters.length - UPDATERS_MAX + 1);
  const merged: ManagerEntry[] = [];
  for (const entry of surplus) {
    const renamed = { ...entry, manager: ANCIENT };
    const at = merged.findIndex((other) => isSameManager(other, renamed));
    const other = merged[at];
    if (other === undefined) merged.push(renamed);
    else merged[at] = { ...renamed, fields: union(other.fields, renamed.fields) };
  }
  return [...entries.filter((entry) => !surplus.includes(entry)), ...merged];
}

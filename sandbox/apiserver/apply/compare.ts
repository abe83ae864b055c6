import {
  field,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
} from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import { EMPTY_SET, type FieldSet, node } from "./field-set.ts";
import {
  childSchema,
  fieldElement,
  isEmptyContainer,
  isGranularList,
  isGranularMap,
  itemElement,
  itemSchema,
} from "./path-element.ts";

/** What changed between two objects: leaves, and with them the lists, maps and structs that came or went as a whole. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Change = keyof Comparison;

const NOTHING: Comparison = { added: EMPTY_SET, modified: EMPTY_SET, removed: EMPTY_SET };

export function compare(schema: Schema, before: JsonObject, after: JsonObject): Comparison {
  return compareValues(schema, before, after);
}

function compareValues(
  schema: Schema,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): Comparison {
  const bothEmpty = isEmptyContainer(before) && isEmptyContainer(after);
  if (!bothEmpty && fits(before, isList) && fits(after, isList) && isGranularList(schema)) {
    return descend(before, after, compareItems(schema, asList(before), asList(after)));
  }
  if (!bothEmpty && fits(before, isObject) && fits(after, isObject) && isGranularMap(schema)) {
    return descend(before, after, compareFields(schema, asObject(before), asObject(after)));
  }
  const change = changeOf(before, after);
  return change === undefined ? NOTHING : withRoot(NOTHING, change);
}

/** Absent and null go with either kind of container. */
function fits(value: JsonValue | undefined, is: (value: JsonValue) => boolean): boolean {
  return value === undefined || value === null || is(value);
}

function asList(value: JsonValue | undefined): readonly JsonValue[] {
  return isList(value) ? value : [];
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function changeOf(before: JsonValue | undefined, after: JsonValue | undefined): Change | undefined {
  if (before === undefined) return after === undefined ? undefined : "added";
  if (after === undefined) return "removed";
  return jsonEquals(before, after) ? undefined : "modified";
}

/** A container that is new or gone is itself part of the change. */
function descend(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  inner: Comparison,
): Comparison {
  if (before === undefined) return withRoot(inner, "added");
  return after === undefined ? withRoot(inner, "removed") : inner;
}

function withRoot(comparison: Comparison, change: Change): Comparison {
  return { ...comparison, [change]: { ...comparison[change], member: true } };
}

function compareFields(schema: Schema, before: JsonObject, after: JsonObject): Comparison {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return gather(
    [...names].map((name) => [
      fieldElement(name),
      compareValues(childSchema(schema, name), field(before, name), field(after, name)),
    ]),
  );
}

function compareItems(
  schema: Schema,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): Comparison {
  const old = byElement(schema, before);
  const next = byElement(schema, after);
  const elements = new Set([...old.keys(), ...next.keys()]);
  return gather(
    [...elements].map((element) => [
      element,
      compareValues(itemSchema(schema), old.get(element), next.get(element)),
    ]),
  );
}

function byElement(schema: Schema, list: readonly JsonValue[]): ReadonlyMap<string, JsonValue> {
  return new Map(list.map((item, index) => [itemElement(schema, item, index), item]));
}

function gather(parts: readonly (readonly [string, Comparison])[]): Comparison {
  const pick = (change: Change): FieldSet =>
    node(
      false,
      parts.map(([element, part]) => [element, part[change]]),
    );
  return { added: pick("added"), modified: pick("modified"), removed: pick("removed") };
}

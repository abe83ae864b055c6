import { isList, isObject, type JsonObject, type JsonValue, ownFields } from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import type { FieldSet } from "./field-set.ts";
import {
  childSchema,
  fieldElement,
  isGranularList,
  itemElement,
  itemSchema,
} from "./path-element.ts";

/** The object without the members of `gone`. A container that loses its last content stays, empty, unless it is a member itself. */
export function removeItems(schema: Schema, object: JsonObject, gone: FieldSet): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const [name, value] of Object.entries(object)) {
    const below = gone.children.get(fieldElement(name));
    const left = below === undefined ? value : removeFrom(childSchema(schema, name), value, below);
    if (left !== undefined) kept.push([name, left]);
  }
  return ownFields(kept);
}

function removeFrom(schema: Schema, value: JsonValue, gone: FieldSet): JsonValue | undefined {
  if (gone.member) return undefined;
  if (isObject(value)) return removeItems(schema, value, gone);
  if (!isList(value) || !isGranularList(schema)) return value;
  const kept: JsonValue[] = [];
  value.forEach((item, index) => {
    const below = gone.children.get(itemElement(schema, item, index));
    const left = below === undefined ? item : removeFrom(itemSchema(schema), item, below);
    if (left !== undefined) kept.push(left);
  });
  return kept;
}

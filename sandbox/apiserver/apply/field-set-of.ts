import { isList, isObject, type JsonObject, type JsonValue } from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import { type FieldSet, LEAF, node, union } from "./field-set.ts";
import {
  childSchema,
  fieldElement,
  fieldName,
  isGranularList,
  isGranularMap,
  isNamedField,
  itemElement,
  itemSchema,
} from "./path-element.ts";

/** What an applied configuration claims: its leaves, the items of its lists and the entries of its maps, but no structs. */
export function fieldSetOf(schema: Schema, object: JsonObject): FieldSet {
  return claimsOf(schema, object);
}

function claimsOf(schema: Schema, value: JsonValue): FieldSet {
  if (isList(value)) return isGranularList(schema) ? itemClaims(schema, value) : LEAF;
  if (isObject(value)) return isGranularMap(schema) ? entryClaims(schema, value) : LEAF;
  return LEAF;
}

function itemClaims(schema: Schema, list: readonly JsonValue[]): FieldSet {
  const items = itemSchema(schema);
  return node(
    false,
    list.map((item, index) => [
      itemElement(schema, item, index),
      union(claimsOf(items, item), LEAF),
    ]),
  );
}

function entryClaims(schema: Schema, object: JsonObject): FieldSet {
  return node(
    false,
    Object.entries(object).map(([name, value]) => {
      const claims = claimsOf(childSchema(schema, name), value);
      const empty = isObject(value) && Object.keys(value).length === 0;
      const claimed = empty || !isNamedField(schema, name);
      return [fieldElement(name), claimed ? union(claims, LEAF) : claims];
    }),
  );
}

/**
 * The set with every struct field on the way to a member made a member too, so that removing the last leaf of a struct can remove the
 * struct. Entries of maps are members only by themselves.
 */
export function withNamedFields(schema: Schema, set: FieldSet): FieldSet {
  return node(
    set.member,
    [...set.children].map(([element, child]) => {
      if (!element.startsWith("f:")) return [element, withNamedFields(itemSchema(schema), child)];
      const name = fieldName(element);
      const inner = withNamedFields(childSchema(schema, name), child);
      const named = isNamedField(schema, name) && inner.children.size > 0;
      return [element, named ? union(inner, LEAF) : inner];
    }),
  );
}

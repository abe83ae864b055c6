import {
  field,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  ownFields,
} from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import {
  childSchema,
  isGranularList,
  isGranularMap,
  itemElement,
  itemSchema,
} from "./path-element.ts";

/** The live object with an applied configuration laid over it: what the configuration says wins, all else stays. */
export function mergeObjects(schema: Schema, live: JsonObject, applied: JsonObject): JsonObject {
  const merged = new Map(Object.entries(live));
  for (const [name, value] of Object.entries(applied)) {
    merged.set(name, mergeValues(childSchema(schema, name), field(live, name), value));
  }
  return ownFields(merged);
}

function mergeValues(schema: Schema, live: JsonValue | undefined, applied: JsonValue): JsonValue {
  if (isObject(live) && isObject(applied) && isGranularMap(schema)) {
    return mergeObjects(schema, live, applied);
  }
  if (isList(live) && isList(applied) && isGranularList(schema)) {
    return mergeLists(schema, live, applied);
  }
  return applied;
}

/**
 * Items of both, each once. Those of the configuration keep its order; those that only live has stay where they were among them.
 */
function mergeLists(
  schema: Schema,
  live: readonly JsonValue[],
  applied: readonly JsonValue[],
): JsonValue {
  const liveItems = live.map((item, i) => ({ element: itemElement(schema, item, i), item }));
  const liveByElement = new Map(liveItems.map(({ element, item }) => [element, item]));
  const wanted = applied.map((item, i) => ({ element: itemElement(schema, item, i), item }));
  const wantedElements = new Set(wanted.map(({ element }) => element));
  const merged: JsonValue[] = [];
  const done = new Set<string>();
  const take = ({ element, item }: { element: string; item: JsonValue }): void => {
    merged.push(mergeValues(itemSchema(schema), liveByElement.get(element), item));
    done.add(element);
  };
  let next = 0;
  for (const { element, item } of liveItems) {
    if (!wantedElements.has(element)) {
      merged.push(item);
      continue;
    }
    if (done.has(element)) continue;
    while (next < wanted.length && !done.has(element)) {
      const entry = wanted[next];
      if (entry !== undefined) take(entry);
      next += 1;
    }
  }
  for (const entry of wanted.slice(next)) take(entry);
  return merged;
}

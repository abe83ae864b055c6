import {
  field,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  withField,
} from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import { PatchError, withoutDirectivesIn } from "./directives.ts";

/** Merges one object of a list; `undefined` deletes it. */
export type MergeObject = (
  target: JsonObject,
  patch: JsonObject,
  schema: Schema,
) => JsonObject | undefined;

/** Merges a patch's list into the current one: scalars as a set, objects by their merge key. */
export function mergeItems(
  {
    current,
    patch,
  }: { readonly current: readonly JsonValue[]; readonly patch: readonly JsonValue[] },
  schema: Schema,
  mergeObject: MergeObject,
): readonly JsonValue[] {
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  if (patch.some(isReplace)) {
    return patch.filter((item) => !isReplace(item)).map(withoutDirectivesIn);
  }
  if (mergeKey === undefined) return mergeScalars(current, patch);
  const items = schema.items ?? {};
  let merged = current;
  const added: JsonValue[] = [];
  for (const change of patch) {
    const { id, object } = identify(change, mergeKey);
    const at = merged.findIndex((item) => isObject(item) && jsonEquals(field(item, mergeKey), id));
    const found = merged[at];
    const result = mergeObject(isObject(found) ? found : {}, object, items);
    if (at === -1) {
      if (result !== undefined) added.push(result);
    } else {
      merged = result === undefined ? remove(merged, mergeKey, id) : merged.with(at, result);
    }
  }
  // New items come first, as the real server puts them.
  return [...added, ...merged];
}

/** `$patch: delete` takes every item with the key. */
function remove(
  items: readonly JsonValue[],
  mergeKey: string,
  id: JsonValue,
): readonly JsonValue[] {
  return items.filter((item) => !(isObject(item) && jsonEquals(field(item, mergeKey), id)));
}

function mergeScalars(
  current: readonly JsonValue[],
  patch: readonly JsonValue[],
): readonly JsonValue[] {
  return [...current, ...patch.filter((item) => !current.includes(item))];
}

function identify(
  change: JsonValue,
  mergeKey: string,
): { readonly id: JsonValue; readonly object: JsonObject } {
  if (!isObject(change)) throw new PatchError("list element types are not identical");
  const id = field(change, mergeKey);
  if (id === undefined) {
    const seen = JSON.stringify(withField(change, "$patch", undefined));
    throw new PatchError(`map: ${seen} does not contain declared merge key: ${mergeKey}`);
  }
  return { id, object: change };
}

function isReplace(item: JsonValue): boolean {
  return isObject(item) && field(item, "$patch") === "replace";
}

import { field, isObject, type JsonValue, jsonEquals } from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * A merged list in the order `$setElementOrder` asks for. Items it does not name (others added them) stay behind the item they followed.
 */
export function inOrder(
  items: readonly JsonValue[],
  order: readonly JsonValue[],
  schema: Schema,
): readonly JsonValue[] {
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  const idOf = (item: JsonValue): JsonValue | undefined =>
    mergeKey !== undefined && isObject(item) ? field(item, mergeKey) : item;
  const rankOf = (item: JsonValue): number => {
    const id = idOf(item);
    return order.findIndex((wanted) => jsonEquals(idOf(wanted), id));
  };
  const ranked: { readonly item: JsonValue; readonly rank: number }[] = [];
  let previous = -1;
  for (const item of items) {
    const own = rankOf(item);
    const rank = own === -1 ? previous + 0.5 : own;
    ranked.push({ item, rank });
    if (own !== -1) previous = own;
  }
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item);
}

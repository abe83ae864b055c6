import type { Kind } from "../kinds/kind.ts";
import { type JsonObject, listAt, withFieldAt } from "../object/json.ts";
import { collectionOf } from "../registry/kind-registry.ts";
import { keyOf, type RegistryState } from "../registry/registry-state.ts";
import { isReadyToGo, removeObject } from "./remove-object.ts";

/** Takes a finalizer off a stored object; the object goes when it was the last thing that held it. */
export function releaseFinalizer(
  state: RegistryState,
  where: { readonly kind: Kind; readonly namespace?: string; readonly name: string },
  finalizer: string,
  nowMs: number,
): void {
  const { kind, namespace, name } = where;
  const key = keyOf(namespace, name);
  const stored = state.store.get(collectionOf(kind), key);
  if (stored === undefined) return;
  const next = withoutFinalizer(stored, finalizer);
  if (isReadyToGo(kind, next)) removeObject(state, { ...where, nowMs });
  else if (next !== stored) state.store.put(collectionOf(kind), key, next);
}

function withoutFinalizer(object: JsonObject, finalizer: string): JsonObject {
  const now = listAt(object, ["metadata", "finalizers"]);
  const others = now.filter((one) => one !== finalizer);
  if (others.length === now.length) return object;
  return withFieldAt(object, ["metadata", "finalizers"], others.length === 0 ? undefined : others);
}

import type { Kind } from "../kinds/kind.ts";
import { fieldAt, type JsonObject, listAt, numberAt } from "../object/json.ts";
import { collectionOf } from "../registry/kind-registry.ts";
import {
  keyOf,
  type NamedTarget,
  type RegistryState,
  strategyContext,
} from "../registry/registry-state.ts";

/** Takes an object out of the store, and gives back what it held. Returns its last state. */
export function removeObject(
  state: RegistryState,
  { kind, namespace, name, nowMs }: Omit<NamedTarget, "version"> & { readonly nowMs: number },
): JsonObject | undefined {
  const removed = state.store.delete(collectionOf(kind), keyOf(namespace, name));
  if (removed !== undefined) {
    const context = strategyContext(state, { nowMs, dryRun: false, warn: () => undefined });
    kind.strategy.onDeleted?.(removed, context);
  }
  return removed;
}

/** True when deletion was asked for and nothing holds the object any more. */
export function isReadyToGo(kind: Kind, object: JsonObject): boolean {
  return (
    isTerminating(object) &&
    (numberAt(object, ["metadata", "deletionGracePeriodSeconds"]) ?? 0) === 0 &&
    listAt(object, ["metadata", "finalizers"]).length === 0 &&
    !(isNamespace(kind) && listAt(object, ["spec", "finalizers"]).length > 0)
  );
}

export function isTerminating(object: JsonObject): boolean {
  return fieldAt(object, ["metadata", "deletionTimestamp"]) !== undefined;
}

export function isNamespace(kind: Kind): boolean {
  return kind.group === "" && kind.plural === "namespaces";
}

import { err, ok, type Result } from "../../../api/result.ts";
import type { JsonObject } from "../object/json.ts";
import { notFound, type StatusError } from "../object/status-error.ts";
import { collectionOf } from "./kind-registry.ts";
import { keyOf, type NamedTarget, type RegistryState } from "./registry-state.ts";

/** The stored form of one object, or 404. */
export function readStored(
  { store }: RegistryState,
  { kind, namespace, name }: NamedTarget,
): Result<JsonObject, StatusError> {
  const stored = store.get(collectionOf(kind), keyOf(namespace, name));
  return stored === undefined ? err(notFound(kind, name)) : ok(stored);
}

/** One object in the requested version, or 404. */
export function readObject(
  state: RegistryState,
  target: NamedTarget,
): Result<JsonObject, StatusError> {
  const stored = readStored(state, target);
  return stored.ok ? ok(target.version.fromStorage(stored.value)) : stored;
}

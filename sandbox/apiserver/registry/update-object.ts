import { err, ok } from "../../../api/result.ts";
import { trackUpdate } from "../apply/track-update.ts";
import { isReadyToGo, removeObject } from "../deletion/remove-object.ts";
import { decodeObject } from "../object/decode.ts";
import { type JsonObject, jsonEquals, withFieldAt } from "../object/json.ts";
import { notFound } from "../object/status-error.ts";
import { resourceVersionOf } from "../store/resource-version.ts";
import { createObject, trackBase, type WriteResult } from "./create-object.ts";
import { collectionOf } from "./kind-registry.ts";
import {
  keyOf,
  type NamedTarget,
  type RegistryState,
  strategyContext,
  type WriteCall,
} from "./registry-state.ts";
import { checkNames, checkPreconditions } from "./request-checks.ts";

/** Kinds whose PUT creates what is missing (AllowCreateOnUpdate). */
const CREATED_BY_UPDATE: ReadonlySet<string> = new Set(["leases", "events"]);

/** Replaces the object at the target with a request's body. */
export function updateObject(
  state: RegistryState,
  target: NamedTarget,
  body: JsonObject,
  call: WriteCall,
): WriteResult {
  const named = checkNames(target, body);
  if (!named.ok) return named;
  const { kind, version, namespace, name } = target;
  const stored = state.store.get(collectionOf(kind), keyOf(namespace, name));
  if (stored === undefined) {
    if (CREATED_BY_UPDATE.has(kind.plural) && call.subresource === "") {
      return createObject(state, target, withoutResourceVersion(named.value), call);
    }
    return err(notFound(kind, name));
  }
  const live = version.fromStorage(stored);
  const decoded = decodeObject({ ...target, ...call, body: named.value });
  if (!decoded.ok) return decoded;
  const current = checkPreconditions(target, decoded.value, stored);
  if (!current.ok) return current;
  const tracked = trackUpdate({ ...trackBase(target, call), before: live, after: decoded.value });
  return storeUpdate(state, target, { next: tracked, stored }, call);
}

/** The last steps of an update; `next` is decoded, in the request's version, and carries its managedFields. */
export function storeUpdate(
  state: RegistryState,
  target: NamedTarget,
  { next, stored }: { readonly next: JsonObject; readonly stored: JsonObject },
  call: WriteCall,
): WriteResult {
  const { kind, version, namespace, name } = target;
  const context = strategyContext(state, call);
  const storageForm = version.toStorage(next);
  const prepared =
    call.subresource === "status"
      ? kind.strategy.prepareStatusUpdate(storageForm, stored, context)
      : kind.strategy.prepareUpdate(storageForm, stored, context);
  if (!prepared.ok) return prepared;
  const comparable = withFieldAt(
    prepared.value,
    ["metadata", "resourceVersion"],
    resourceVersionOf(stored),
  );
  if (jsonEquals(comparable, stored)) {
    return ok({ object: version.fromStorage(stored), created: false });
  }
  const allocated = kind.strategy.allocate?.(comparable, stored, context) ?? ok(comparable);
  if (!allocated.ok) return allocated;
  if (isReadyToGo(kind, allocated.value)) {
    if (!call.dryRun) removeObject(state, { ...target, nowMs: call.nowMs });
    return ok({ object: version.fromStorage(allocated.value), created: false });
  }
  const result = call.dryRun
    ? allocated.value
    : state.store.put(collectionOf(kind), keyOf(namespace, name), allocated.value);
  return ok({ object: version.fromStorage(result), created: false });
}

function withoutResourceVersion(object: JsonObject): JsonObject {
  return withFieldAt(object, ["metadata", "resourceVersion"], undefined);
}

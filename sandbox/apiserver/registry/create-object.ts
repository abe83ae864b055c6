import { err, ok, type Result } from "../../../api/result.ts";
import { trackUpdate } from "../apply/track-update.ts";
import { decodeObject } from "../object/decode.ts";
import { type JsonObject, stringAt, withFieldAt } from "../object/json.ts";
import {
  alreadyExists,
  badRequest,
  type StatusError,
  storageFull,
} from "../object/status-error.ts";
import { resourceVersionOf } from "../store/resource-version.ts";
import { checkNamespace } from "./check-namespace.ts";
import { apiVersionOf, collectionOf } from "./kind-registry.ts";
import {
  keyOf,
  type RegistryState,
  strategyContext,
  type Target,
  type WriteCall,
} from "./registry-state.ts";
import { placeInNamespace } from "./request-checks.ts";

export interface Written {
  readonly object: JsonObject;
  readonly created: boolean;
}

export type WriteResult = Result<Written, StatusError>;

/** Creates an object from a request's body. */
export function createObject(
  state: RegistryState,
  target: Target,
  body: JsonObject,
  call: WriteCall,
): WriteResult {
  const placed = placeInNamespace(target, body);
  if (!placed.ok) return placed;
  const decoded = decodeObject({ ...target, ...call, body: placed.value });
  if (!decoded.ok) return decoded;
  const after = withFieldAt(decoded.value, ["metadata", "resourceVersion"], undefined);
  if (resourceVersionOf(decoded.value) !== "" && resourceVersionOf(decoded.value) !== "0") {
    return err(badRequest("resourceVersion should not be set on objects to be created"));
  }
  const tracked = trackUpdate({ ...trackBase(target, call), before: undefined, after });
  return storeNew(state, target, tracked, call);
}

/** The last steps of a creation; `object` is decoded and carries its managedFields. */
export function storeNew(
  state: RegistryState,
  target: Target,
  object: JsonObject,
  call: WriteCall,
): WriteResult {
  const { kind, version, namespace } = target;
  const name = stringAt(object, ["metadata", "name"]);
  const context = strategyContext(state, call);
  const allowed = checkNamespace(state, target, name);
  if (!allowed.ok) return allowed;
  const prepared = kind.strategy.prepareCreate(version.toStorage(object), context);
  if (!prepared.ok) return prepared;
  const finalName = stringAt(prepared.value, ["metadata", "name"]);
  const key = keyOf(namespace, finalName);
  if (state.store.get(collectionOf(kind), key) !== undefined) {
    return err(alreadyExists(kind, finalName));
  }
  if (state.store.isFull) return err(storageFull(kind, finalName, state.store.objectLimit));
  const allocated = kind.strategy.allocate?.(prepared.value, undefined, context) ?? prepared;
  if (!allocated.ok) return allocated;
  const stored = call.dryRun
    ? allocated.value
    : state.store.put(collectionOf(kind), key, allocated.value);
  return ok({ object: version.fromStorage(stored), created: true });
}

/** What is recorded about any change that is not an apply. */
export function trackBase(
  { kind, version }: Target,
  call: WriteCall,
): Omit<Parameters<typeof trackUpdate>[0], "before" | "after"> {
  return {
    manager: call.manager,
    version,
    apiVersion: apiVersionOf(kind, version),
    nowMs: call.nowMs,
    subresource: call.subresource,
    hasStatusSubresource: kind.subresources.status === true,
  };
}

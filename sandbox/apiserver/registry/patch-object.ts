import { err, type Result } from "../../../api/result.ts";
import { applyPatch } from "../apply/apply-patch.ts";
import { trackUpdate } from "../apply/track-update.ts";
import { decodeObject } from "../object/decode.ts";
import { goText } from "../object/go-text.ts";
import { isObject, type JsonObject, type JsonValue, withFieldAt } from "../object/json.ts";
import {
  badRequest,
  conflict,
  notFound,
  STALE_OBJECT,
  type StatusError,
  unsupportedMediaType,
} from "../object/status-error.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { strategicMergePatch } from "../patch/strategic-merge-patch.ts";
import { resourceVersionOf } from "../store/resource-version.ts";
import { storeNew, trackBase, type WriteResult } from "./create-object.ts";
import { collectionOf } from "./kind-registry.ts";
import { keyOf, type NamedTarget, type RegistryState, type WriteCall } from "./registry-state.ts";
import { checkNames, checkPreconditions } from "./request-checks.ts";
import { storeUpdate } from "./update-object.ts";

export const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

type PatchType = keyof typeof PATCH_TYPES;

export interface PatchRequest {
  readonly type: Exclude<PatchType, "apply">;
  readonly patch: JsonValue;
}

/** Changes an object by a JSON, merge or strategic merge patch. */
export function patchObject(
  state: RegistryState,
  target: NamedTarget,
  request: PatchRequest,
  call: WriteCall,
): WriteResult {
  const { kind, version, namespace, name } = target;
  const stored = state.store.get(collectionOf(kind), keyOf(namespace, name));
  if (stored === undefined) return err(notFound(kind, name));
  const live = version.fromStorage(stored);
  const patched = patchedDocument(target, live, request);
  if (!patched.ok) return patched;
  const named = checkNames(target, patched.value);
  if (!named.ok) return named;
  const shown =
    request.type === "strategic" ? goText(request.patch) : JSON.stringify(request.patch);
  const decoded = decodeObject({ ...target, ...call, body: named.value, patch: shown });
  if (!decoded.ok) return decoded;
  const current = checkPreconditions(target, decoded.value, stored);
  if (!current.ok) return current;
  const next = trackUpdate({ ...trackBase(target, call), before: live, after: decoded.value });
  return storeUpdate(state, target, { next, stored }, call);
}

/** Server-side apply: merges the fields that a manager wants; creates what is missing. */
export function applyObject(
  state: RegistryState,
  target: NamedTarget,
  request: { readonly applied: JsonValue; readonly force: boolean },
  call: WriteCall,
): WriteResult {
  const { kind, version, namespace, name } = target;
  if (!isObject(request.applied)) {
    return err(badRequest("error decoding apply patch: must be an object"));
  }
  const named = checkNames(target, request.applied);
  if (!named.ok) return named;
  const stored = state.store.get(collectionOf(kind), keyOf(namespace, name));
  if (stored === undefined && call.subresource !== "") return err(notFound(kind, name));
  const live = stored === undefined ? undefined : version.fromStorage(stored);
  const applied = applyPatch({
    ...trackBase(target, call),
    live,
    applied: named.value,
    force: request.force,
  });
  if (!applied.ok) return applied;
  const decoded = decodeObject({ ...target, ...call, body: applied.value.object });
  if (!decoded.ok) return decoded;
  if (stored === undefined) {
    const fresh = withFieldAt(decoded.value, ["metadata", "resourceVersion"], undefined);
    return storeNew(state, target, fresh, call);
  }
  const asked = resourceVersionOf(named.value);
  if (asked !== "" && asked !== resourceVersionOf(stored)) {
    return err(conflict(kind, name, STALE_OBJECT));
  }
  return storeUpdate(state, target, { next: decoded.value, stored }, call);
}

function patchedDocument(
  { kind, version }: NamedTarget,
  live: JsonObject,
  { type, patch }: PatchRequest,
): Result<JsonObject, StatusError> {
  switch (type) {
    case "json":
      return jsonPatch(live, patch);
    case "merge":
      return mergePatch(live, patch);
    case "strategic":
      return kind.custom
        ? err(unsupportedMediaType([PATCH_TYPES.json, PATCH_TYPES.merge, PATCH_TYPES.apply]))
        : strategicMergePatch(live, patch, version.schema);
  }
}

import { err, ok, type Result } from "../../../api/result.ts";
import {
  type JsonObject,
  type JsonValue,
  listAt,
  numberAt,
  stringAt,
  withFieldAt,
} from "../object/json.ts";
import { conflict, type StatusError } from "../object/status-error.ts";
import { rfc3339 } from "../object/timestamp.ts";
import { collectionOf } from "../registry/kind-registry.ts";
import { readStored } from "../registry/read-object.ts";
import { keyOf, type NamedTarget, type RegistryState } from "../registry/registry-state.ts";
import { resourceVersionOf } from "../store/resource-version.ts";
import type { DeleteOptions, Propagation } from "./delete-options.ts";
import { isNamespace, isReadyToGo, isTerminating, removeObject } from "./remove-object.ts";

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";
/** Holds a definition that is deleted until its objects are gone. */
export const DEFINITION_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";
const DEFAULT_GRACE_SECONDS = 30;

export interface Deletion {
  /** In the requested version; the last state when it is gone. */
  readonly object: JsonObject;
  readonly gone: boolean;
}

/** Deletes an object, or marks it when something still holds it. */
export function deleteObject(
  state: RegistryState,
  target: NamedTarget,
  options: DeleteOptions,
  nowMs: number,
): Result<Deletion, StatusError> {
  const { kind, version, namespace, name } = target;
  const stored = readStored(state, target);
  if (!stored.ok) return stored;
  const matches = checkDeletePreconditions(target, stored.value, options);
  if (!matches.ok) return matches;
  const graceSeconds = graceOf(target, stored.value, options);
  const marked = markDeleted(target, stored.value, { options, graceSeconds, nowMs });
  if (isReadyToGo(kind, marked)) {
    const removed = options.dryRun ? stored.value : removeObject(state, { ...target, nowMs });
    return ok({ object: version.fromStorage(removed ?? stored.value), gone: true });
  }
  const kept =
    options.dryRun || marked === stored.value
      ? marked
      : state.store.put(collectionOf(kind), keyOf(namespace, name), marked);
  return ok({ object: version.fromStorage(kept), gone: false });
}

function checkDeletePreconditions(
  { kind, name }: NamedTarget,
  stored: JsonObject,
  options: DeleteOptions,
): Result<void, StatusError> {
  // The real server names the kind here, where it names the resource elsewhere.
  const resource = { group: kind.group, plural: kind.custom ? kind.plural : kind.kind };
  const uid = stringAt(stored, ["metadata", "uid"]);
  if (options.uid !== "" && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    return err(conflict(resource, name, why));
  }
  const current = resourceVersionOf(stored);
  if (options.resourceVersion !== "" && options.resourceVersion !== current) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${current}). The object might have been modified`;
    return err(conflict(resource, name, why));
  }
  return ok(undefined);
}

/** Only pods that run on a node get time to stop; their node's agent deletes them with a grace of 0. */
function graceOf({ kind }: NamedTarget, stored: JsonObject, options: DeleteOptions): number {
  if (kind.group !== "" || kind.plural !== "pods") return 0;
  const phase = stringAt(stored, ["status", "phase"]);
  const isRunning =
    stringAt(stored, ["spec", "nodeName"]) !== "" && phase !== "Succeeded" && phase !== "Failed";
  if (!isRunning) return 0;
  const own = numberAt(stored, ["spec", "terminationGracePeriodSeconds"]);
  return options.gracePeriodSeconds ?? own ?? DEFAULT_GRACE_SECONDS;
}

function markDeleted(
  { kind }: NamedTarget,
  stored: JsonObject,
  how: { readonly options: DeleteOptions; readonly graceSeconds: number; readonly nowMs: number },
): JsonObject {
  const { options, graceSeconds, nowMs } = how;
  const finalizers = finalizersFor(stored, options.propagation);
  if (isTerminating(stored)) {
    const shortened = shortenGrace(stored, graceSeconds, nowMs);
    return withFinalizers(shortened, finalizers);
  }
  const at = rfc3339(nowMs + graceSeconds * 1000);
  let marked = withFieldAt(stored, ["metadata", "deletionTimestamp"], at);
  if (isNamespace(kind)) return withFieldAt(marked, ["status", "phase"], "Terminating");
  marked = withFieldAt(marked, ["metadata", "deletionGracePeriodSeconds"], graceSeconds);
  const own = kind.plural === "customresourcedefinitions" ? [DEFINITION_FINALIZER] : [];
  const others = finalizers.filter((finalizer) => !own.some((one) => one === finalizer));
  return withGeneration(withFinalizers(marked, [...others, ...own]));
}

function shortenGrace(stored: JsonObject, graceSeconds: number, nowMs: number): JsonObject {
  const left = numberAt(stored, ["metadata", "deletionGracePeriodSeconds"]);
  if (left === undefined || graceSeconds >= left) return stored;
  const at = rfc3339(nowMs + graceSeconds * 1000);
  const sooner = withFieldAt(stored, ["metadata", "deletionTimestamp"], at);
  return withFieldAt(sooner, ["metadata", "deletionGracePeriodSeconds"], graceSeconds);
}

/** Foreground and orphan deletion are finalizers that the garbage collector takes off. */
function finalizersFor(
  stored: JsonObject,
  propagation: Propagation | undefined,
): readonly JsonValue[] {
  const now = listAt(stored, ["metadata", "finalizers"]);
  if (propagation === undefined) return now;
  const others = now.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (propagation === "Foreground") return [...others, FOREGROUND];
  return propagation === "Orphan" ? [...others, ORPHAN] : others;
}

function withFinalizers(object: JsonObject, finalizers: readonly JsonValue[]): JsonObject {
  const now = listAt(object, ["metadata", "finalizers"]);
  if (now.length === finalizers.length && now.every((one, at) => one === finalizers[at])) {
    return object;
  }
  return withFieldAt(
    object,
    ["metadata", "finalizers"],
    finalizers.length === 0 ? undefined : finalizers,
  );
}

/** A pending deletion counts as a change of the desired state where generations are kept. */
function withGeneration(object: JsonObject): JsonObject {
  const generation = numberAt(object, ["metadata", "generation"]);
  return generation === undefined
    ? object
    : withFieldAt(object, ["metadata", "generation"], generation + 1);
}

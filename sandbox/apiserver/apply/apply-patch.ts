import { err, ok, type Result } from "../../../api/result.ts";
import type { KindVersion } from "../kinds/kind.ts";
import { required } from "../object/field-error.ts";
import {
  field,
  type JsonObject,
  jsonEquals,
  stringAt,
  withField,
  withFieldAt,
} from "../object/json.ts";
import { badRequest, invalid, type StatusError } from "../object/status-error.ts";
import { rfc3339 } from "../object/timestamp.ts";
import { checkConfiguration } from "./check-configuration.ts";
import { conflictError } from "./conflict-error.ts";
import { difference, EMPTY_SET, type FieldSet, intersection, union } from "./field-set.ts";
import { fieldSetOf, withNamedFields } from "./field-set-of.ts";
import { inherited, withLastApplied } from "./last-applied.ts";
import {
  hasManagedFields,
  isSameManager,
  type ManagerEntry,
  ownTheSame,
  readManagedFields,
  withoutManagedFields,
  writeManagedFields,
} from "./managed-fields.ts";
import { mergeObjects } from "./merge-values.ts";
import { compareInScope, conflictsOf, inScope, ownable, withoutChanged } from "./ownership.ts";
import { removeItems } from "./remove-items.ts";
import { BEFORE_FIRST_APPLY, trackUpdate } from "./track-update.ts";

export interface ApplyRequest {
  /** The stored object in the version of the request, `undefined` when the apply creates it. */
  readonly live: JsonObject | undefined;
  readonly applied: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly version: Pick<KindVersion, "schema" | "emptyObject">;
  /** As objects say it: `v1`, `discovery.k8s.io/v1`. */
  readonly apiVersion: string;
  readonly nowMs: number;
  /** "" for the main resource. */
  readonly subresource: string;
  readonly hasStatusSubresource: boolean;
}

export interface Applied {
  readonly object: JsonObject;
  /** False when the object and its managedFields stay as they are. */
  readonly changed: boolean;
}

/**
 * Server-side apply: merges what a manager wants into the live object and records what it owns. What it applied before, does not apply any
 * more and nobody else owns is removed. 409 names the fields of others it would change, unless forced.
 */
export function applyPatch(request: ApplyRequest): Result<Applied, StatusError> {
  const refused = refusal(request);
  if (refused !== undefined) return err(refused);
  const { live, version } = request;
  const applied = applicable(request);
  const known = live === undefined ? [] : knownOwners(request, live);
  const self = selfEntry(request, applied);
  const previous = known.find((entry) => isSameManager(entry, self));
  const others = known.filter((entry) => entry !== previous);
  const base = withoutManagedFields(live ?? version.emptyObject);
  const merged = mergeObjects(version.schema, base, applied);
  const wanted = prune(version, merged, { previous, next: [...others, self] });
  const change = compareInScope(version.schema, { before: base, after: wanted }, request);
  const own = live === undefined ? EMPTY_SET : inherited(request, live);
  const conflicts = conflictsOf(change, others, own);
  if (conflicts.length > 0 && !request.force) return err(conflictError(conflicts));
  const owned = writeManagedFields(wanted, [...withoutChanged(change, others), self]);
  const object = withLastApplied(owned, request, request.applied);
  if (live !== undefined && jsonEquals(base, withoutManagedFields(object))) {
    if (ownTheSame(object, live)) return ok({ object: live, changed: false });
  }
  return ok({ object, changed: true });
}

function refusal({ applied, manager, version, apiVersion }: ApplyRequest): StatusError | undefined {
  if (manager === "") {
    const missing = required("fieldManager", "is required for apply patch");
    return invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [missing]);
  }
  if (hasManagedFields(applied)) return badRequest("metadata.managedFields must be nil");
  const wrong = checkConfiguration(version.schema, applied);
  if (wrong.length === 0) return undefined;
  const groupVersion = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
  const kind = stringAt(applied, ["kind"]);
  const namespace = stringAt(applied, ["metadata", "namespace"]);
  const name = stringAt(applied, ["metadata", "name"]);
  return {
    code: 500,
    // The real server gives none.
    reason: "",
    message: `failed to create typed patch object (${namespace}/${name}; ${groupVersion}, Kind=${kind}): ${listed(wrong)}`,
  };
}

function listed(wrong: readonly string[]): string {
  const [only] = wrong;
  return wrong.length === 1 ? `${only}` : ["errors:", ...wrong].join("\n  ");
}

/** An object without any owner gets one for all it has, so that a first apply cannot take fields without a conflict. */
function knownOwners(request: ApplyRequest, live: JsonObject): readonly ManagerEntry[] {
  const known = readManagedFields(live);
  if (known.length > 0) return known;
  return readManagedFields(
    trackUpdate({
      before: undefined,
      after: live,
      manager: BEFORE_FIRST_APPLY,
      version: request.version,
      apiVersion: request.apiVersion,
      nowMs: request.nowMs,
      subresource: request.subresource,
      hasStatusSubresource: request.hasStatusSubresource,
    }),
  );
}

/** The part of the configuration that this request can change; the rest neither changes nor is owned. */
function applicable({ applied, subresource, hasStatusSubresource }: ApplyRequest): JsonObject {
  // Clients send a null creationTimestamp: their types cannot leave it out.
  const stamped = withFieldAt(applied, ["metadata", "creationTimestamp"], undefined);
  if (subresource !== "status") {
    return hasStatusSubresource ? withField(stamped, "status", undefined) : stamped;
  }
  const status = field(applied, "status");
  return status === undefined ? {} : { status };
}

function selfEntry(request: ApplyRequest, applied: JsonObject): ManagerEntry {
  const { version, manager, apiVersion, subresource, nowMs } = request;
  return {
    manager,
    operation: "Apply",
    apiVersion,
    subresource,
    time: rfc3339(nowMs),
    fields: ownable(inScope(fieldSetOf(version.schema, applied), request)),
  };
}

interface Owners {
  readonly previous: ManagerEntry | undefined;
  readonly next: readonly ManagerEntry[];
}

/** Removes what the manager owned before and nobody owns now, but nothing that was only below such a thing. */
function prune(
  { schema }: Pick<KindVersion, "schema">,
  merged: JsonObject,
  { previous, next }: Owners,
): JsonObject {
  if (previous === undefined) return merged;
  const members = (object: JsonObject): FieldSet =>
    withNamedFields(schema, fieldSetOf(schema, object));
  const last = withNamedFields(schema, previous.fields);
  const owned = next.reduce((all, entry) => union(all, entry.fields), EMPTY_SET);
  const all = members(merged);
  const pruned = removeItems(schema, merged, last);
  const stillOwned = union(members(pruned), withNamedFields(schema, owned));
  const withOwned = removeItems(schema, merged, difference(all, stillOwned));
  const lost = difference(all, members(withOwned));
  return removeItems(schema, merged, intersection(lost, last));
}

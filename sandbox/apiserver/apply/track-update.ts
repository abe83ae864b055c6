import type { KindVersion } from "../kinds/kind.ts";
import { fieldAt, type JsonObject, jsonEquals, withFieldAt } from "../object/json.ts";
import { rfc3339 } from "../object/timestamp.ts";
import { difference, union } from "./field-set.ts";
import {
  isReset,
  isSameManager,
  type ManagerEntry,
  ownTheSame,
  readManagedFields,
  withoutManagedFields,
  writeManagedFields,
} from "./managed-fields.ts";
import { compareInScope, ownable, type Scope, withoutChanged } from "./ownership.ts";

export interface UpdateRecord {
  /** The stored object in the version of the request, `undefined` on create. */
  readonly before: JsonObject | undefined;
  /** The decoded object as the client wants it. */
  readonly after: JsonObject;
  /** The `fieldManager` parameter, else the user agent up to its first "/" ("unknown" when there is none). */
  readonly manager: string;
  readonly version: Pick<KindVersion, "schema" | "emptyObject">;
  readonly apiVersion: string;
  readonly nowMs: number;
  readonly subresource: string;
  readonly hasStatusSubresource: boolean;
}

/** `after` with managedFields that record who changed what by create, update or a patch that is not an apply. */
export function trackUpdate(record: UpdateRecord): JsonObject {
  const { before, after } = record;
  const known = entriesOf(record);
  const wanted = withoutManagedFields(after);
  // An object that was never applied and lost its last owner is not tracked again before its first apply.
  if (before !== undefined && known.length === 0) return wanted;
  const live = withoutManagedFields(before ?? record.version.emptyObject);
  const tracked = writeManagedFields(wanted, updatedEntries(record, { live, wanted, known }));
  return before !== undefined && jsonEquals(live, wanted) && ownTheSame(tracked, before)
    ? withFieldAt(
        wanted,
        ["metadata", "managedFields"],
        fieldAt(before, ["metadata", "managedFields"]),
      )
    : tracked;
}

/**
 * The owners a client sends are taken, so that they can be edited; one that sends none did not mean to forget them. A subresource never
 * edits them.
 */
function entriesOf({ before, after, subresource }: UpdateRecord): readonly ManagerEntry[] {
  if (subresource === "") {
    if (isReset(after)) return [];
    const sent = readManagedFields(after);
    if (sent.length > 0) return sent;
  }
  return before === undefined ? [] : readManagedFields(before);
}

interface Update {
  readonly live: JsonObject;
  readonly wanted: JsonObject;
  readonly known: readonly ManagerEntry[];
}

function updatedEntries(
  record: UpdateRecord,
  { live, wanted, known }: Update,
): readonly ManagerEntry[] {
  const scope: Scope = record;
  const change = compareInScope(record.version.schema, { before: live, after: wanted }, scope);
  const left = withoutChanged(change, known);
  const mine = ownable(union(change.modified, change.added));
  if (mine.children.size === 0) return left;
  const self: ManagerEntry = {
    manager: record.manager,
    operation: "Update",
    apiVersion: record.apiVersion,
    subresource: record.subresource,
    time: rfc3339(record.nowMs),
    fields: mine,
  };
  const previous = left.find((entry) => isSameManager(entry, self));
  const fields = difference(union(previous?.fields ?? mine, mine), change.removed);
  return [...left.filter((entry) => entry !== previous), { ...self, fields }];
}

/** What an untracked live object is called when its first apply comes: all its fields belong to this manager. */
export const BEFORE_FIRST_APPLY = "before-first-apply";

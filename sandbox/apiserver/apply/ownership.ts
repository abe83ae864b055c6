import type { JsonObject } from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import { type Comparison, compare } from "./compare.ts";
import { difference, type FieldSet, intersection, isEmpty, keepRoots, union } from "./field-set.ts";
import type { ManagerEntry } from "./managed-fields.ts";

/** What another manager owns and this write would change. */
export interface Conflict {
  readonly owner: ManagerEntry;
  readonly fields: FieldSet;
}

/** Which part of the object a write may own: what it cannot change it does not own. */
export interface Scope {
  readonly subresource: string;
  readonly hasStatusSubresource: boolean;
}

/** The server's own fields, which nobody owns. */
const UNOWNED: FieldSet = tree({
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": Object.fromEntries(
    [
      "name",
      "namespace",
      "creationTimestamp",
      "selfLink",
      "uid",
      "clusterName",
      "generation",
      "managedFields",
      "resourceVersion",
    ].map((name) => [`f:${name}`, {}]),
  ),
});

export function inScope(set: FieldSet, scope: Scope): FieldSet {
  if (scope.subresource === "status") return keepRoots(set, (element) => element === "f:status");
  return scope.hasStatusSubresource ? keepRoots(set, (element) => element !== "f:status") : set;
}

/** Without the server's own fields; the labels and annotations inside metadata stay. */
export function ownable(set: FieldSet): FieldSet {
  return difference(set, UNOWNED);
}

export function compareInScope(
  schema: Schema,
  objects: { readonly before: JsonObject; readonly after: JsonObject },
  scope: Scope,
): Comparison {
  const { added, modified, removed } = compare(schema, objects.before, objects.after);
  return {
    added: inScope(added, scope),
    modified: inScope(modified, scope),
    removed: inScope(removed, scope),
  };
}

/** What of the changes belongs to others, but for what may be taken over from them. */
export function conflictsOf(
  change: Comparison,
  others: readonly ManagerEntry[],
  inherited: FieldSet,
): readonly Conflict[] {
  const touched = difference(union(change.modified, change.added), inherited);
  return others
    .map((owner) => ({ owner, fields: intersection(owner.fields, touched) }))
    .filter((conflict) => !isEmpty(conflict.fields));
}

/** The others after a change: they lose what was changed under them and what is gone. */
export function withoutChanged(
  change: Comparison,
  others: readonly ManagerEntry[],
): readonly ManagerEntry[] {
  const lost = union(union(change.modified, change.added), change.removed);
  return others.map((entry) => ({ ...entry, fields: difference(entry.fields, lost) }));
}

interface Tree {
  readonly [element: string]: Tree;
}

function tree(elements: Tree): FieldSet {
  return {
    member: true,
    children: new Map(Object.entries(elements).map(([element, below]) => [element, tree(below)])),
  };
}

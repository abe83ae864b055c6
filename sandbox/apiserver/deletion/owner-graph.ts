import { fieldAt, isObject, type JsonObject, listAt, stringAt } from "../object/json.ts";
import type { StoreEvent } from "../store/object-store.ts";

/** Names one stored object. */
export interface StoredRef {
  readonly collection: string;
  readonly key: string;
}

export interface OwnerRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly blocks: boolean;
}

/** Who names whom as owner, kept up to date event by event. */
export class OwnerGraph {
  /** By the owner's uid, then by `collection key`. BOUNDED: by the owner references stored. */
  readonly #dependents = new Map<string, Map<string, StoredRef>>();

  observe(event: StoreEvent): void {
    const id = idOf(event);
    for (const { uid } of ownersOf(event.before)) {
      const known = this.#dependents.get(uid);
      known?.delete(id);
      if (known?.size === 0) this.#dependents.delete(uid);
    }
    for (const { uid } of ownersOf(event.after)) {
      const known = this.#dependents.get(uid) ?? new Map<string, StoredRef>();
      known.set(id, { collection: event.collection, key: event.key });
      this.#dependents.set(uid, known);
    }
  }

  dependentsOf(uid: string): readonly StoredRef[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }
}

export function idOf({ collection, key }: StoredRef): string {
  return `${collection} ${key}`;
}

export function uidOf(object: JsonObject | undefined): string {
  return stringAt(object, ["metadata", "uid"]);
}

export function ownersOf(object: JsonObject | undefined): readonly OwnerRef[] {
  return listAt(object, ["metadata", "ownerReferences"])
    .filter(isObject)
    .map((reference) => ({
      apiVersion: stringAt(reference, ["apiVersion"]),
      kind: stringAt(reference, ["kind"]),
      name: stringAt(reference, ["name"]),
      uid: stringAt(reference, ["uid"]),
      blocks: fieldAt(reference, ["blockOwnerDeletion"]) === true,
    }));
}

import { fieldAt, type JsonObject, listAt, stringAt, withFieldAt } from "../object/json.ts";
import { collectionOf, storageVersionOf } from "../registry/kind-registry.ts";
import { keyOf, type NamedTarget, type RegistryState } from "../registry/registry-state.ts";
import type { StoreEvent } from "../store/object-store.ts";
import { deleteObject, FOREGROUND, ORPHAN } from "./delete-object.ts";
import { NO_DELETE_OPTIONS, type Propagation } from "./delete-options.ts";
import { idOf, OwnerGraph, type OwnerRef, ownersOf, type StoredRef, uidOf } from "./owner-graph.ts";
import { releaseFinalizer } from "./release-finalizer.ts";
import { isTerminating } from "./remove-object.ts";

/**
 * Deletes objects whose owners are all gone, and carries out foreground and orphan deletion.
 * The rules are those of the real garbage collector; an owner of a kind that is not served is never judged gone.
 */
export class GarbageCollector {
  readonly #state: RegistryState;
  readonly #graph = new OwnerGraph();
  /** Objects to look at again. BOUNDED: by the objects stored. */
  readonly #queue = new Map<string, StoredRef>();

  constructor(state: RegistryState) {
    this.#state = state;
    state.store.subscribe((event) => this.#observe(event));
  }

  get pending(): boolean {
    return this.#queue.size > 0;
  }

  step(nowMs: number): boolean {
    const refs = [...this.#queue.values()];
    this.#queue.clear();
    for (const ref of refs) this.#examine(ref, nowMs);
    return refs.length > 0;
  }

  #observe(event: StoreEvent): void {
    this.#graph.observe(event);
    const { after, before } = event;
    if (after === undefined) {
      this.#enqueueAll(this.#graph.dependentsOf(uidOf(before)));
    } else if (ownersOf(after).length > 0 || isTerminating(after)) {
      this.#enqueueAll([event]);
    }
    // An owner in foreground deletion may have waited for this object, or for the reference it has lost.
    for (const owner of ownersOf(before)) this.#enqueueAll(this.#ownerRef(event, owner));
  }

  #enqueueAll(refs: readonly StoredRef[]): void {
    for (const { collection, key } of refs) {
      this.#queue.set(idOf({ collection, key }), { collection, key });
    }
  }

  #ownerRef({ key }: StoredRef, owner: OwnerRef): readonly StoredRef[] {
    const kind = this.#kindOf(owner);
    if (kind === undefined) return [];
    const namespace = kind.namespaced ? namespaceOf(key) : undefined;
    return [{ collection: collectionOf(kind), key: keyOf(namespace, owner.name) }];
  }

  #examine(ref: StoredRef, nowMs: number): void {
    const object = this.#state.store.get(ref.collection, ref.key);
    if (object === undefined) return;
    if (waitsForDependents(object)) this.#deleteInForeground(ref, object, nowMs);
    else if (has(object, ORPHAN) && isTerminating(object)) this.#orphan(ref, object, nowMs);
    else if (!isTerminating(object)) this.#checkOwners(ref, object, nowMs);
  }

  #checkOwners(ref: StoredRef, object: JsonObject, nowMs: number): void {
    const owners = ownersOf(object);
    const fates = owners.map((owner) => this.#fateOf(ref, owner));
    if (owners.length === 0) return;
    if (fates.includes("alive")) {
      const kept = listAt(object, ["metadata", "ownerReferences"]).filter(
        (_, at) => fates[at] === "alive",
      );
      if (kept.length === owners.length) return;
      const next = withFieldAt(object, ["metadata", "ownerReferences"], kept);
      this.#state.store.put(ref.collection, ref.key, next);
      return;
    }
    const hasDependents = this.#graph.dependentsOf(uidOf(object)).length > 0;
    const inForeground = fates.includes("waiting") && hasDependents;
    this.#delete(ref, object, { propagation: propagationOf(object, inForeground), nowMs });
  }

  #fateOf(dependent: StoredRef, owner: OwnerRef): "alive" | "gone" | "waiting" {
    const kind = this.#kindOf(owner);
    const namespace = namespaceOf(dependent.key);
    // What cannot be looked up cannot be judged.
    if (kind === undefined || (kind.namespaced && namespace === undefined)) return "alive";
    const key = keyOf(kind.namespaced ? namespace : undefined, owner.name);
    const found = this.#state.store.get(collectionOf(kind), key);
    if (found === undefined || uidOf(found) !== owner.uid) return "gone";
    return waitsForDependents(found) ? "waiting" : "alive";
  }

  #deleteInForeground(ref: StoredRef, owner: JsonObject, nowMs: number): void {
    const dependents = this.#graph.dependentsOf(uidOf(owner));
    let blocked = false;
    for (const dependent of dependents) {
      const object = this.#state.store.get(dependent.collection, dependent.key);
      if (object === undefined) continue;
      blocked ||= ownersOf(object).some(({ uid, blocks }) => uid === uidOf(owner) && blocks);
      if (!isTerminating(object)) this.#enqueueAll([dependent]);
    }
    if (!blocked) this.#release(ref, FOREGROUND, nowMs);
  }

  #orphan(ref: StoredRef, owner: JsonObject, nowMs: number): void {
    for (const dependent of this.#graph.dependentsOf(uidOf(owner))) {
      const object = this.#state.store.get(dependent.collection, dependent.key);
      if (object === undefined) continue;
      const kept = listAt(object, ["metadata", "ownerReferences"]).filter(
        (reference) => stringAt(reference, ["uid"]) !== uidOf(owner),
      );
      const next = withFieldAt(
        object,
        ["metadata", "ownerReferences"],
        kept.length === 0 ? undefined : kept,
      );
      this.#state.store.put(dependent.collection, dependent.key, next);
    }
    this.#release(ref, ORPHAN, nowMs);
  }

  #release(ref: StoredRef, finalizer: string, nowMs: number): void {
    const target = this.#targetOf(ref);
    if (target !== undefined) releaseFinalizer(this.#state, target, finalizer, nowMs);
  }

  #delete(
    ref: StoredRef,
    object: JsonObject,
    how: { readonly propagation: Propagation; readonly nowMs: number },
  ): void {
    const target = this.#targetOf(ref);
    if (target === undefined) return;
    const options = {
      ...NO_DELETE_OPTIONS,
      propagation: how.propagation,
      uid: uidOf(object),
    };
    deleteObject(this.#state, target, options, how.nowMs);
  }

  #targetOf({ collection, key }: StoredRef): NamedTarget | undefined {
    const kind = this.#state.kinds.ofCollection(collection);
    const version = kind === undefined ? undefined : storageVersionOf(kind);
    if (kind === undefined || version === undefined) return undefined;
    const namespace = namespaceOf(key);
    const name = namespace === undefined ? key : key.slice(namespace.length + 1);
    return { kind, version, name, ...(namespace === undefined ? {} : { namespace }) };
  }

  #kindOf({ apiVersion, kind }: OwnerRef): NamedTarget["kind"] | undefined {
    const slash = apiVersion.indexOf("/");
    const group = slash < 0 ? "" : apiVersion.slice(0, slash);
    return this.#state.kinds.findKind(group, apiVersion.slice(slash + 1), kind)?.kind;
  }
}

function namespaceOf(key: string): string | undefined {
  const slash = key.indexOf("/");
  return slash < 0 ? undefined : key.slice(0, slash);
}

function has(object: JsonObject, finalizer: string): boolean {
  return listAt(object, ["metadata", "finalizers"]).includes(finalizer);
}

function waitsForDependents(object: JsonObject): boolean {
  return (
    has(object, FOREGROUND) && fieldAt(object, ["metadata", "deletionTimestamp"]) !== undefined
  );
}

function propagationOf(object: JsonObject, inForeground: boolean): Propagation {
  if (has(object, ORPHAN)) return "Orphan";
  return inForeground || has(object, FOREGROUND) ? "Foreground" : "Background";
}

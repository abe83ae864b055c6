import { type JsonObject, jsonEquals, listAt, withField, withFieldAt } from "../object/json.ts";
import { NAMESPACES } from "../registry/check-namespace.ts";
import { collectionOf, storageVersionOf } from "../registry/kind-registry.ts";
import type { RegistryState } from "../registry/registry-state.ts";
import { deleteObject } from "./delete-object.ts";
import { NO_DELETE_OPTIONS } from "./delete-options.ts";
import { EventQueue } from "./event-queue.ts";
import { namespaceConditions } from "./namespace-conditions.ts";
import { isNamespace, isReadyToGo, isTerminating, removeObject } from "./remove-object.ts";

const FINALIZER = "kubernetes";

/** Empties namespaces that are being deleted, tells what is left, and lets them go when nothing is. */
export class NamespaceLifecycle {
  readonly #state: RegistryState;
  readonly #queue: EventQueue;
  /** BOUNDED: by the namespaces stored. */
  readonly #terminating = new Set<string>();

  constructor(state: RegistryState) {
    this.#state = state;
    this.#queue = new EventQueue(state.store, (event) => {
      if (event.collection !== NAMESPACES) {
        const namespace = event.key.split("/", 1)[0];
        return namespace !== undefined && this.#terminating.has(namespace);
      }
      return event.after !== undefined && isTerminating(event.after);
    });
  }

  get pending(): boolean {
    return this.#queue.pending;
  }

  step(nowMs: number): boolean {
    const touched = new Set(this.#queue.drain().map((event) => event.key.split("/", 1)[0] ?? ""));
    for (const name of touched) this.#finish(name, nowMs);
    return touched.size > 0;
  }

  #finish(name: string, nowMs: number): void {
    const { store } = this.#state;
    const namespace = store.get(NAMESPACES, name);
    if (namespace === undefined || !isTerminating(namespace)) {
      this.#terminating.delete(name);
      return;
    }
    this.#terminating.add(name);
    this.#deleteContent(name, nowMs);
    const left = this.#remaining(name);
    const next =
      left.size > 0 ? withConditions(namespace, left, nowMs) : withoutFinalizer(namespace);
    const kind = this.#state.kinds.all().find(isNamespace);
    if (kind !== undefined && isReadyToGo(kind, next)) {
      this.#terminating.delete(name);
      removeObject(this.#state, { kind, name, nowMs });
    } else if (!jsonEquals(next, namespace)) {
      store.put(NAMESPACES, name, next);
    }
  }

  #deleteContent(namespace: string, nowMs: number): void {
    const seen = new Set<string>();
    for (const kind of this.#state.kinds.all()) {
      const collection = collectionOf(kind);
      const version = storageVersionOf(kind);
      if (!kind.namespaced || version === undefined || seen.has(collection)) continue;
      seen.add(collection);
      for (const { key, object } of this.#state.store.list(collection, namespace)) {
        if (isTerminating(object)) continue;
        const target = { kind, version, namespace, name: key.slice(namespace.length + 1) };
        deleteObject(this.#state, target, NO_DELETE_OPTIONS, nowMs);
      }
    }
  }

  #remaining(namespace: string): ReadonlyMap<string, readonly JsonObject[]> {
    const left = new Map<string, readonly JsonObject[]>();
    for (const kind of this.#state.kinds.all()) {
      if (!kind.namespaced) continue;
      const objects = this.#state.store
        .list(collectionOf(kind), namespace)
        .map(({ object }) => object);
      const resource = `${kind.storage.plural}.${kind.storage.group}`;
      if (objects.length > 0) left.set(resource, objects);
    }
    return left;
  }
}

function withoutFinalizer(namespace: JsonObject): JsonObject {
  const others = listAt(namespace, ["spec", "finalizers"]).filter((one) => one !== FINALIZER);
  return withFieldAt(namespace, ["spec", "finalizers"], others.length === 0 ? undefined : others);
}

function withConditions(
  namespace: JsonObject,
  left: ReadonlyMap<string, readonly JsonObject[]>,
  nowMs: number,
): JsonObject {
  const conditions = namespaceConditions(listAt(namespace, ["status", "conditions"]), left, nowMs);
  const status = withField({ phase: "Terminating" }, "conditions", conditions);
  return withField(namespace, "status", status);
}

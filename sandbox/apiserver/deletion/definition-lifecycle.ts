import { customKindOf } from "../kinds/custom-kind.ts";
import { type JsonObject, jsonEquals, objectAt } from "../object/json.ts";
import { collectionName, collectionOf, storageVersionOf } from "../registry/kind-registry.ts";
import type { RegistryState } from "../registry/registry-state.ts";
import type { StoreEvent } from "../store/object-store.ts";
import { acceptNames, isEstablished } from "./definition-conditions.ts";
import { DEFINITION_FINALIZER, deleteObject } from "./delete-object.ts";
import { NO_DELETE_OPTIONS } from "./delete-options.ts";
import { EventQueue } from "./event-queue.ts";
import { releaseFinalizer } from "./release-finalizer.ts";
import { isTerminating } from "./remove-object.ts";

const DEFINITIONS = collectionName("apiextensions.k8s.io", "customresourcedefinitions");

/**
 * Serves the kinds that established CustomResourceDefinitions define, and deletes their objects before a
 * definition goes.
 */
export class DefinitionLifecycle {
  readonly #state: RegistryState;
  readonly #queue: EventQueue;
  /** Definitions waiting for their objects to go, by collection. BOUNDED: by the definitions stored. */
  readonly #terminating = new Map<string, string>();
  /** What is served, to tell a change. BOUNDED: by the definitions stored. */
  readonly #specs = new Map<string, JsonObject>();

  constructor(state: RegistryState) {
    this.#state = state;
    this.#queue = new EventQueue(
      state.store,
      (event) => event.collection === DEFINITIONS || this.#isAwaited(event),
    );
  }

  get pending(): boolean {
    return this.#queue.pending;
  }

  step(nowMs: number): boolean {
    const events = this.#queue.drain();
    const names = events.map((event) =>
      event.collection === DEFINITIONS
        ? event.key
        : (this.#terminating.get(event.collection) ?? ""),
    );
    for (const name of new Set(names)) this.#reconcile(name, nowMs);
    return events.length > 0;
  }

  #isAwaited(event: StoreEvent): boolean {
    return event.after === undefined && this.#terminating.has(event.collection);
  }

  #reconcile(name: string, nowMs: number): void {
    const { store, kinds } = this.#state;
    const definition = store.get(DEFINITIONS, name);
    if (definition === undefined) {
      kinds.removeCustom(name);
      this.#specs.delete(name);
      return;
    }
    if (isTerminating(definition)) {
      this.#empty(name, nowMs);
      return;
    }
    const accepted = acceptNames(definition, kinds, nowMs);
    if (!jsonEquals(accepted, definition)) store.put(DEFINITIONS, name, accepted);
    else if (isEstablished(definition)) this.#serve(name, definition);
  }

  #serve(name: string, definition: JsonObject): void {
    const spec = objectAt(definition, ["spec"]);
    if (jsonEquals(this.#specs.get(name), spec)) return;
    this.#specs.set(name, spec);
    this.#state.kinds.setCustom(name, customKindOf(definition));
  }

  #empty(name: string, nowMs: number): void {
    const { store, kinds } = this.#state;
    const kind = kinds.custom(name);
    const version = kind === undefined ? undefined : storageVersionOf(kind);
    if (kind !== undefined && version !== undefined) {
      const collection = collectionOf(kind);
      this.#terminating.set(collection, name);
      for (const { key, object } of store.list(collection)) {
        if (isTerminating(object)) continue;
        const slash = key.indexOf("/");
        const target = {
          kind,
          version,
          name: key.slice(slash + 1),
          ...(slash < 0 ? {} : { namespace: key.slice(0, slash) }),
        };
        deleteObject(this.#state, target, NO_DELETE_OPTIONS, nowMs);
      }
      if (store.size(collection) > 0) return;
      this.#terminating.delete(collection);
    }
    const owner = kinds.ofCollection(DEFINITIONS);
    if (owner !== undefined)
      releaseFinalizer(this.#state, { kind: owner, name }, DEFINITION_FINALIZER, nowMs);
  }
}

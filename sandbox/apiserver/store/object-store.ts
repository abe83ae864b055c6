import { err, ok, type Result } from "../../../api/result.ts";
import type { JsonObject } from "../object/json.ts";
import { withResourceVersion } from "./resource-version.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** One committed write. `before` is absent for a creation, `after` for a deletion. */
export interface StoreEvent {
  readonly revision: number;
  readonly collection: string;
  readonly key: string;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
}

export interface StoreEntry {
  readonly key: string;
  readonly object: JsonObject;
}

/** The revision asked for has left the history window. */
export interface Compacted {
  readonly oldestRevision: number;
}

export interface ObjectStoreOptions {
  /** Events kept for watches and consistent pages. @default 10,000 */
  readonly historyLimit?: number;
  /** Where the counter starts. @default 1 */
  readonly firstRevision?: number;
  /** Objects of all collections together. @default 100,000 */
  readonly objectLimit?: number;
}

const DEFAULT_HISTORY_LIMIT = 10_000;
const DEFAULT_OBJECT_LIMIT = 100_000;

interface Collection {
  readonly objects: Map<string, JsonObject>;
  readonly keys: SortedKeys;
}

/**
 * Versioned objects in memory, shaped like etcd: one revision counter over all collections, and a bounded
 * window of past events from which watches resume and older snapshots are rebuilt.
 * Keys are `namespace/name`, or `name`; they are kept in byte order.
 */
export class ObjectStore {
  /** BOUNDED: by the kinds served; emptied collections stay. */
  readonly #collections = new Map<string, Collection>();
  /** BOUNDED: by historyLimit. */
  #history: StoreEvent[] = [];
  /** BOUNDED: by open watches, which their owners bound. */
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #historyLimit: number;
  /** BOUNDED: creations ask `isFull` first. */
  #objects = 0;
  readonly objectLimit: number;
  #revision: number;
  #oldestRevision: number;

  constructor(options: ObjectStoreOptions = {}) {
    this.#revision = options.firstRevision ?? 1;
    this.#oldestRevision = this.#revision;
    this.objectLimit = options.objectLimit ?? DEFAULT_OBJECT_LIMIT;
    this.#historyLimit = options.historyLimit ?? DEFAULT_HISTORY_LIMIT;
  }

  /** Revision of the newest write. */
  get revision(): number {
    return this.#revision;
  }

  /** Watches and snapshots from this revision on can be served. */
  get oldestRevision(): number {
    return this.#oldestRevision;
  }

  /** No object may be added; those there are can still change. */
  get isFull(): boolean {
    return this.#objects >= this.objectLimit;
  }

  get(collection: string, key: string): JsonObject | undefined {
    return this.#collections.get(collection)?.objects.get(key);
  }

  size(collection: string): number {
    return this.#collections.get(collection)?.objects.size ?? 0;
  }

  /** Objects of one collection in key order; of one namespace when given. */
  list(collection: string, namespace?: string): StoreEntry[] {
    const found = this.#collections.get(collection);
    if (found === undefined) return [];
    return entriesOf(found.objects, found.keys.withPrefix(prefixOf(namespace)));
  }

  /** The same as it was at `revision`. */
  listAt(
    collection: string,
    namespace: string | undefined,
    revision: number,
  ): Result<StoreEntry[], Compacted> {
    if (revision === this.#revision) return ok(this.list(collection, namespace));
    const since = this.eventsAfter(revision);
    if (!since.ok) return since;
    const objects = new Map<string, JsonObject>();
    for (const entry of this.list(collection, namespace)) objects.set(entry.key, entry.object);
    const prefix = prefixOf(namespace);
    for (const event of since.value.toReversed()) {
      if (event.collection !== collection || !event.key.startsWith(prefix)) continue;
      if (event.before === undefined) objects.delete(event.key);
      else objects.set(event.key, event.before);
    }
    return ok(entriesOf(objects, [...objects.keys()].sort(compareKeys)));
  }

  /** All events newer than `revision`, oldest first. */
  eventsAfter(revision: number): Result<readonly StoreEvent[], Compacted> {
    if (revision < this.#oldestRevision) return err({ oldestRevision: this.#oldestRevision });
    return ok(this.#history.slice(firstAfter(this.#history, revision)));
  }

  /** Creates or replaces; returns the object with its new resourceVersion. */
  put(collection: string, key: string, object: JsonObject): JsonObject {
    const { objects, keys } = this.#collection(collection);
    const before = objects.get(key);
    const revision = this.#revision + 1;
    const after = withResourceVersion(object, revision);
    objects.set(key, after);
    if (before === undefined) {
      keys.add(key);
      this.#objects += 1;
    }
    this.#commit({
      revision,
      collection,
      key,
      after,
      ...(before === undefined ? {} : { before }),
    });
    return after;
  }

  /** Removes; returns the last state, carrying the deletion's resourceVersion. Undefined when absent. */
  delete(collection: string, key: string): JsonObject | undefined {
    const found = this.#collections.get(collection);
    const before = found?.objects.get(key);
    if (found === undefined || before === undefined) return undefined;
    found.objects.delete(key);
    found.keys.remove(key);
    this.#objects -= 1;
    const revision = this.#revision + 1;
    this.#commit({ revision, collection, key, before });
    return withResourceVersion(before, revision);
  }

  /** Called synchronously after each write. Returns the unsubscribe. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Forgets events up to `revision`, as etcd's compaction does. */
  compact(revision: number): void {
    const upTo = Math.min(revision, this.#revision);
    this.#history = this.#history.slice(firstAfter(this.#history, upTo));
    this.#oldestRevision = Math.max(this.#oldestRevision, upTo);
  }

  #commit(event: StoreEvent): void {
    this.#revision = event.revision;
    this.#history.push(event);
    // Dropping in halves keeps appends cheap.
    if (this.#history.length >= this.#historyLimit * 2) {
      this.compact(event.revision - this.#historyLimit);
    }
    for (const listener of [...this.#listeners]) listener(event);
  }

  #collection(name: string): Collection {
    let found = this.#collections.get(name);
    if (found === undefined) {
      found = { objects: new Map(), keys: new SortedKeys() };
      this.#collections.set(name, found);
    }
    return found;
  }
}

/** Byte order, as etcd sorts. */
function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function prefixOf(namespace: string | undefined): string {
  return namespace === undefined ? "" : `${namespace}/`;
}

function entriesOf(
  objects: ReadonlyMap<string, JsonObject>,
  keys: readonly string[],
): StoreEntry[] {
  const entries: StoreEntry[] = [];
  for (const key of keys) {
    const object = objects.get(key);
    if (object !== undefined) entries.push({ key, object });
  }
  return entries;
}

/** Index of the first event newer than `revision`. */
function firstAfter(history: readonly StoreEvent[], revision: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((history[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

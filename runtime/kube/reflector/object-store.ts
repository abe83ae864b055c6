import { InvariantError } from "../../../api/invariant.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import type { Logger } from "../../log/log.ts";
import type { IndexFunction, ObjectView, ViewEvent } from "../object-view.ts";
import { objectKey } from "../object-view.ts";

export interface ObjectStoreOptions<T extends KubeObject> {
  /** By name; see `byIndex`. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
}

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  /** Value -> key -> object. BOUNDED: by the objects times their values; empty buckets leave. */
  readonly buckets: Map<string, Map<string, T>>;
}

/**
 * The ObjectView that a reflector fills. A write that changes nothing (same uid and resourceVersion) tells nobody.
 * For each key, listeners see an unbroken chain: `before` is always the last `after`.
 */
export class ObjectStore<T extends KubeObject> implements ObjectView<T> {
  /** BOUNDED: by the collection in the cluster. */
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, Index<T>>;
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<(event: ViewEvent<T>) => void>();
  readonly #log: Logger;
  #synced = false;

  constructor(options: ObjectStoreOptions<T>, { log }: { readonly log: Logger }) {
    this.#log = log;
    this.#indexes = new Map(
      Object.entries(options.indexes ?? {}).map(([name, valuesOf]) => [
        name,
        { valuesOf, buckets: new Map() },
      ]),
    );
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) {
      throw new InvariantError("index exists", { index, known: [...this.#indexes.keys()] });
    }
    const bucket = found.buckets.get(value);
    return bucket === undefined ? [] : [...bucket.values()];
  }

  hasSynced(): boolean {
    return this.#synced;
  }

  subscribe(listener: (event: ViewEvent<T>) => void): () => void {
    // A wrapper of its own for each call: one function may subscribe twice.
    const entry = (event: ViewEvent<T>): void => listener(event);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Adds or replaces one object. */
  put(object: T): void {
    const key = objectKey(object);
    const before = this.#objects.get(key);
    if (before !== undefined && isSameVersion(before, object)) return;
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (before !== undefined) unindex(index, key, before);
      for (const value of index.valuesOf(object)) bucketOf(index, value).set(key, object);
    }
    this.#tell({ kind: "changed", key, after: object, ...(before !== undefined && { before }) });
  }

  /** Takes one object out; harmless when it is not there. */
  remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) unindex(index, key, before);
    this.#tell({ kind: "changed", key, before });
  }

  /** Makes the store equal to a full list: what is not in it goes, the rest is put. */
  replace(objects: readonly T[]): void {
    const listed = new Set(objects.map(objectKey));
    for (const key of this.#objects.keys()) {
      if (!listed.has(key)) this.remove(key);
    }
    for (const object of objects) this.put(object);
  }

  /** The first full list is in. */
  markSynced(): void {
    if (this.#synced) return;
    this.#synced = true;
    this.#tell({ kind: "synced" });
  }

  /** A listener that throws is a bug of that listener: it must not keep the event from the others. */
  #tell(event: ViewEvent<T>): void {
    // A copy: who subscribes meanwhile starts with the next event.
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error("object view listener failed", { err: error, event: event.kind });
      }
    }
  }
}

/** resourceVersion is opaque: compared for equality only. Objects without one are never the same. */
function isSameVersion(one: KubeObject, other: KubeObject): boolean {
  return (
    one.metadata.resourceVersion !== undefined &&
    one.metadata.resourceVersion === other.metadata.resourceVersion &&
    one.metadata.uid === other.metadata.uid
  );
}

function bucketOf<T>(index: Index<T>, value: string): Map<string, T> {
  const known = index.buckets.get(value);
  if (known !== undefined) return known;
  const bucket = new Map<string, T>();
  index.buckets.set(value, bucket);
  return bucket;
}

function unindex<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const bucket = index.buckets.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.buckets.delete(value);
  }
}

/** Names of a bucket, on average, when there are most of them. */
const BUCKET_NAMES_MAX = 8;
const BUCKETS_MIN = 8;

type Bucket<T> = ReadonlyMap<string, T>;
const NOTHING = new Map<string, never>();

/**
 * A map by name that never changes: another one with some names changed shares all but the buckets of those. A plain copy of a
 * namespace of a hundred services is 7 KB of garbage for each change, of one with thousands a megabyte.
 */
export class NameTable<T> {
  static readonly EMPTY: NameTable<never> = new NameTable([], 0);

  readonly size: number;
  /** A power of two of them, or none. */
  readonly #buckets: readonly Bucket<T>[];

  private constructor(buckets: readonly Bucket<T>[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  get(name: string): T | undefined {
    return this.#buckets[hashOf(name) & (this.#buckets.length - 1)]?.get(name);
  }

  *[Symbol.iterator](): Generator<[string, T], void, undefined> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  /** With these values; a name whose value is undefined is not in it. */
  with(changes: ReadonlyMap<string, T | undefined>): NameTable<T> {
    const buckets = roomFor(this.#buckets, this.size + changes.size);
    const drafts = new Map<number, Map<string, T>>();
    let { size } = this;
    for (const [name, value] of changes) {
      const at = hashOf(name) & (buckets.length - 1);
      const draft = drafts.get(at) ?? new Map(buckets[at]);
      drafts.set(at, draft);
      size -= draft.size;
      if (value === undefined) draft.delete(name);
      else draft.set(name, value);
      size += draft.size;
    }
    for (const [at, draft] of drafts) buckets[at] = draft;
    return new NameTable(buckets, size);
  }
}

/** The same buckets, or more of them, which are not those of anybody else. They never become fewer. */
function roomFor<T>(before: readonly Bucket<T>[], size: number): Bucket<T>[] {
  let count = Math.max(BUCKETS_MIN, before.length);
  while (count * BUCKET_NAMES_MAX < size) count *= 2;
  if (count === before.length) return [...before];
  const drafts = Array.from({ length: count }, () => new Map<string, T>());
  for (const bucket of before) {
    for (const [name, value] of bucket) drafts[hashOf(name) & (count - 1)]?.set(name, value);
  }
  return drafts.map((draft) => (draft.size === 0 ? NOTHING : draft));
}

/** FNV-1a. Whoever may name services may make some of them share a bucket: their own namespace's lookups get slower. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

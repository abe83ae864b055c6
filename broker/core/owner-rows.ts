import type { RowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { inspectRow, type RowFacts } from "../wire/inspect-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { encodeRowPut } from "./outgoing.ts";

/** A row as the broker holds it: encoded once, as the message that every subscriber is sent. */
export class StoredRow {
  readonly sequence: number;
  /** An encoded BrokerMessage, a RowPut. */
  readonly message: Uint8Array;
  /** Endpoints in it; 0 of an export. */
  readonly endpointCount: number;
  readonly #byteCount: number;

  constructor(sequence: number, message: Uint8Array, facts: RowFacts & { byteCount: number }) {
    this.sequence = sequence;
    this.message = message;
    this.endpointCount = facts.endpoints;
    this.#byteCount = facts.byteCount;
  }

  /** The encoded Row: the end of the message. */
  get bytes(): Uint8Array {
    return this.message.subarray(this.message.length - this.#byteCount);
  }
}

interface LogEntry {
  readonly sequence: number;
  readonly key: RowKey;
}

/** What the rest of the broker may see of an owner's rows. */
export type OwnerView = Pick<
  OwnerRows,
  | "cluster"
  | "incarnation"
  | "sequence"
  | "isComplete"
  | "size"
  | "row"
  | "rows"
  | "tombstone"
  | "trimmedSequence"
  | "canResumeFrom"
  | "keysSince"
  | "namespaces"
>;

/** The rows of one life of one owner, and enough history to tell what changed since a version. */
export class OwnerRows {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  #sequence = 0;
  #isComplete = false;
  #trimmedSequence = 0;
  /** BOUNDED: by LIMITS.rowsPerOwner, which whoever appends records checks. */
  readonly #rows = new Map<RowKey, StoredRow>();
  /** Keys of #rows. BOUNDED: as #rows: a namespace without rows leaves. */
  readonly #byNamespace = new Map<string, Set<RowKey>>();
  /** Oldest first. BOUNDED: by `tombstonesMax`. */
  readonly #tombstones = new Map<RowKey, number>();
  /** Ascending; entries whose key changed again are stale. BOUNDED: by compaction to twice the live entries. */
  #log: LogEntry[] = [];
  readonly #tombstonesMax: number;

  constructor(
    cluster: ClusterId,
    incarnation: number,
    tombstonesMax: number = LIMITS.tombstonesPerOwner,
  ) {
    this.cluster = cluster;
    this.incarnation = incarnation;
    this.#tombstonesMax = tombstonesMax;
  }

  /** Highest sequence written. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The owner has sent all its rows: what is here may be shown. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Deletions up to this sequence have been forgotten. */
  get trimmedSequence(): number {
    return this.#trimmedSequence;
  }

  row(key: RowKey): StoredRow | undefined {
    return this.#rows.get(key);
  }

  rows(): IterableIterator<[RowKey, StoredRow]> {
    return this.#rows.entries();
  }

  /** The namespaces that have rows, with the keys of those. */
  namespaces(): ReadonlyMap<string, ReadonlySet<RowKey>> {
    return this.#byNamespace;
  }

  /** Sequence of the deletion of a key, while it is remembered. */
  tombstone(key: RowKey): number | undefined {
    return this.#tombstones.get(key);
  }

  /** False when the way from `sequence` to now is not known: too old, or of a future that was lost. */
  canResumeFrom(sequence: number): boolean {
    return sequence >= this.#trimmedSequence && sequence <= this.#sequence;
  }

  /** Keys whose last change is after `sequence`, in the order of their last changes. */
  keysSince(sequence: number): RowKey[] {
    const keys: RowKey[] = [];
    for (let at = this.#firstAfter(sequence); at < this.#log.length; at++) {
      const entry = this.#log[at];
      if (entry !== undefined && this.#isLive(entry)) keys.push(entry.key);
    }
    return keys;
  }

  /** False, and no change, when the owner has written later already. */
  put(key: RowKey, sequence: number, bytes: Uint8Array): boolean {
    if (sequence <= this.#sequence) return false;
    this.#tombstones.delete(key);
    if (!this.#rows.has(key)) this.#enter(key);
    const { cluster, incarnation } = this;
    const message = encodeRowPut({ cluster, incarnation, sequence, bytes });
    const facts = { ...inspectRow(bytes), byteCount: bytes.length };
    this.#rows.set(key, new StoredRow(sequence, message, facts));
    this.#record(key, sequence);
    return true;
  }

  /** Leaves a tombstone even for a key that is not held: a snapshot has tombstones without their rows. */
  delete(key: RowKey, sequence: number): boolean {
    if (sequence <= this.#sequence) return false;
    if (this.#rows.delete(key)) this.#leave(key);
    // Last in line again: the tombstones stay ordered by sequence.
    this.#tombstones.delete(key);
    this.#tombstones.set(key, sequence);
    this.#trim();
    this.#record(key, sequence);
    return true;
  }

  complete(): boolean {
    const changed = !this.#isComplete;
    this.#isComplete = true;
    return changed;
  }

  /** Restores what a snapshot knows beyond the rows. */
  raise(sequence: number, trimmedSequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#trimmedSequence = Math.max(this.#trimmedSequence, trimmedSequence);
  }

  #enter(key: RowKey): void {
    const namespace = namespaceOfRowKey(key);
    const keys = this.#byNamespace.get(namespace) ?? new Set();
    this.#byNamespace.set(namespace, keys.add(key));
  }

  #leave(key: RowKey): void {
    const namespace = namespaceOfRowKey(key);
    const keys = this.#byNamespace.get(namespace);
    keys?.delete(key);
    if (keys?.size === 0) this.#byNamespace.delete(namespace);
  }

  #record(key: RowKey, sequence: number): void {
    this.#sequence = sequence;
    this.#log.push({ sequence, key });
    if (this.#log.length > 2 * (this.#rows.size + this.#tombstones.size) + 16) {
      this.#log = this.#log.filter((entry) => this.#isLive(entry));
    }
  }

  #trim(): void {
    for (const [key, sequence] of this.#tombstones) {
      if (this.#tombstones.size <= this.#tombstonesMax) return;
      this.#tombstones.delete(key);
      this.#trimmedSequence = sequence;
    }
  }

  #isLive({ key, sequence }: LogEntry): boolean {
    return (this.#rows.get(key)?.sequence ?? this.#tombstones.get(key)) === sequence;
  }

  /** Index of the first log entry after `sequence`. */
  #firstAfter(sequence: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#log[middle];
      if (entry !== undefined && entry.sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

import type { RowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { inspectRow, type RowFacts } from "../wire/inspect-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { type Audience, includes, NOBODY, narrows, union } from "./audience.ts";
import { encodeRowPut, type SingleOutgoing, sayComplete } from "./outgoing.ts";

/** A row as the broker holds it: encoded once, as the message that every subscriber is sent. */
export class StoredRow {
  readonly sequence: number;
  /** An encoded BrokerMessage, a RowPut. */
  readonly message: Uint8Array;
  /** Endpoints in it; 0 of an export. */
  readonly endpointCount: number;
  readonly audience: Audience;
  readonly #byteCount: number;

  constructor(sequence: number, message: Uint8Array, facts: RowFacts & { byteCount: number }) {
    this.sequence = sequence;
    this.message = message;
    this.endpointCount = facts.endpoints;
    this.audience = facts.audience;
    this.#byteCount = facts.byteCount;
  }

  /** The encoded Row: the end of the message. */
  get bytes(): Uint8Array {
    return this.message.subarray(this.message.length - this.#byteCount);
  }
}

interface Tombstone {
  readonly sequence: number;
  /** Of the row that was deleted: whoever may know of its existence. */
  readonly audience: Audience;
}

/** Who saw earlier versions of a row, as far as this table remembers, and when somebody was left out last. */
interface Former {
  readonly audience: Audience;
  readonly narrowedAt: number;
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
  | "isRestricted"
  | "mayHold"
  | "hasAudiences"
  | "remembersSince"
  | "trimmedSequence"
  | "canResumeFrom"
  | "keysSince"
  | "namespaces"
  | "completion"
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
  readonly #tombstones = new Map<RowKey, Tombstone>();
  /** Of keys that somebody saw once and may not see now. BOUNDED: by the keys of #rows and #tombstones. */
  readonly #former = new Map<RowKey, Former>();
  #hasAudiences = false;
  /** Up to here only the last state of each key is known, not its history. */
  #loadedUpTo = 0;
  /** Ascending; entries whose key changed again are stale. BOUNDED: by compaction to twice the live entries. */
  #log: LogEntry[] = [];
  readonly #tombstonesMax: number;
  #completion: { readonly sequence: number; readonly said: SingleOutgoing } | undefined;

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

  /** What is said to whoever has everything up to this sequence: encoded once for all that get there together. */
  completion(sequence: number): SingleOutgoing {
    if (this.#completion?.sequence !== sequence) {
      const { cluster: clusterId, incarnation } = this;
      this.#completion = { sequence, said: sayComplete({ clusterId, incarnation, sequence }) };
    }
    return this.#completion.said;
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
    return this.#tombstones.get(key)?.sequence;
  }

  /** It has or had rows that are not for everybody. */
  get hasAudiences(): boolean {
    return this.#hasAudiences;
  }

  /** False: who was shown what after `sequence` was known to a table that is no more. */
  remembersSince(sequence: number): boolean {
    return sequence >= this.#loadedUpTo;
  }

  /** The key belongs to a row, or belonged to one, that is not for everybody. */
  isRestricted(key: RowKey): boolean {
    return (this.#rows.get(key) ?? this.#tombstones.get(key))?.audience !== undefined;
  }

  /**
   * Whether a cluster that has been told everything up to `since`, and does not see the row now, may hold a version of it:
   * only then it may be told of a deletion, since for all others the row has never been. Asked of what is remembered.
   */
  mayHold(key: RowKey, cluster: ClusterId, since: number): boolean {
    const tombstone = this.#tombstones.get(key);
    if (tombstone !== undefined && includes(tombstone.audience, cluster)) return true;
    const former = this.#former.get(key);
    return former !== undefined && since < former.narrowedAt && includes(former.audience, cluster);
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
    const facts = { ...inspectRow(bytes), byteCount: bytes.length };
    this.#noteAudience(key, sequence, facts.audience);
    this.#tombstones.delete(key);
    if (!this.#rows.has(key)) this.#enter(key);
    const { cluster, incarnation } = this;
    const message = encodeRowPut({ cluster, incarnation, sequence, bytes });
    this.#rows.set(key, new StoredRow(sequence, message, facts));
    this.#record(key, sequence);
    return true;
  }

  /**
   * Leaves a tombstone even for a key that is not held: a snapshot has tombstones without their rows.
   * @param isRestricted of a row that is not held: it was not for everybody
   */
  delete(key: RowKey, sequence: number, isRestricted = false): boolean {
    if (sequence <= this.#sequence) return false;
    const before = this.#rows.get(key) ?? this.#tombstones.get(key);
    const audience = before === undefined && isRestricted ? NOBODY : before?.audience;
    if (audience !== undefined) this.#hasAudiences = true;
    if (this.#rows.delete(key)) this.#leave(key);
    // Last in line again: the tombstones stay ordered by sequence.
    this.#tombstones.delete(key);
    this.#tombstones.set(key, { sequence, audience });
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
    this.#loadedUpTo = Math.max(this.#loadedUpTo, sequence);
    this.#trimmedSequence = Math.max(this.#trimmedSequence, trimmedSequence);
  }

  /** Remembers whom the row's new version leaves out. */
  #noteAudience(key: RowKey, sequence: number, now: Audience): void {
    if (now === undefined) return;
    this.#hasAudiences = true;
    const before = this.#rows.get(key) ?? this.#tombstones.get(key);
    if (before === undefined || !narrows(before.audience, now)) return;
    const former = this.#former.get(key);
    const audience =
      former === undefined ? before.audience : union(former.audience, before.audience);
    this.#former.set(key, { audience, narrowedAt: sequence });
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
    for (const [key, { sequence }] of this.#tombstones) {
      if (this.#tombstones.size <= this.#tombstonesMax) return;
      this.#tombstones.delete(key);
      this.#former.delete(key);
      this.#trimmedSequence = sequence;
    }
  }

  #isLive({ key, sequence }: LogEntry): boolean {
    return (this.#rows.get(key) ?? this.#tombstones.get(key))?.sequence === sequence;
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

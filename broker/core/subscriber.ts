import { NO_NAMESPACE, type RowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { includes } from "./audience.ts";
import type { TableView } from "./broker-table.ts";
import type { SingleOutgoing } from "./outgoing.ts";
import type { OwnerView } from "./owner-rows.ts";

/** At most 64 bytes each: a message stays far below its limit. */
const NAMES_PER_MESSAGE = 8000;

const NO_NAMESPACES: ReadonlySet<string> = new Set();

/** How far a member knows one owner. */
interface Progress {
  readonly incarnation: number;
  /** Everything up to here has been sent; -1: nothing that could be built upon. */
  readonly sequence: number;
  /** Namespaces subscribed up to this stamp are covered. */
  readonly stamp: number;
}

/** One walk over what a member lacks of one owner: the owner's state at the start bounds it. */
interface Pass {
  readonly owner: OwnerView;
  readonly upTo: Progress;
  readonly keys: readonly RowKey[];
  /** Rows travel inside an OwnerReset for everything: deletions need not be told. */
  readonly isWhole: boolean;
  /** The owner's sequence that the member is brought on from. */
  readonly since: number;
  /** Namespaces that are reset: deletions in them need not be told either. */
  readonly resets: ReadonlySet<string>;
  next: number;
  hasSent: boolean;
}

/** Rows of no namespace: not taken, held as far as the known versions say, or to be sent whole. */
export type NetworksWanted = "none" | "known" | "unknown";

type IsHidden = (owner: ClusterId, namespace: string) => boolean;

export interface KnownOwner {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly sequence: number;
}

/**
 * Decides what one member is sent of the others' rows. It keeps no queue of rows, only how far each owner
 * is known: a member that reads slowly costs nothing and gets the latest state when it reads again.
 * Pulled, not pushing: the caller asks for the next message when the stream can take one.
 */
export class Subscriber {
  readonly #self: ClusterId;
  readonly #table: TableView;
  readonly #isDenied: (namespace: string) => boolean;
  readonly #isHidden: IsHidden;
  /** Wanted, and kept from the member by policy: no row of them is sent. BOUNDED: as #namespaces. */
  readonly #denied = new Set<string>();
  /** To be told. BOUNDED: as #namespaces. */
  readonly #deniedDue = new Set<string>();
  /** Namespace to the stamp of its subscription. BOUNDED: by LIMITS.namespacesPerMember, checked by the session. */
  readonly #namespaces = new Map<string, number>();
  #stamp = 0;
  /** BOUNDED: by the owners of the table and those named in Hello. */
  readonly #progress = new Map<ClusterId, Progress>();
  /** Owners that may have news, first come first served. BOUNDED: as #progress. */
  readonly #pending = new Set<ClusterId>();
  /** Owners still to be walked before Synced. BOUNDED: as #progress. */
  readonly #awaited = new Set<ClusterId>();
  #pass: Pass | undefined;
  #isSyncedDue = false;
  #generation = 0;

  /**
   * @param isDenied namespaces whose rows this member may not have; fixed for its life
   * @param isHidden owners whose rows of a namespace it may not have, as little as hear of; fixed for its life
   */
  constructor(
    self: ClusterId,
    table: TableView,
    isDenied: (namespace: string) => boolean = () => false,
    isHidden: IsHidden = () => false,
  ) {
    this.#self = self;
    this.#table = table;
    this.#isDenied = isDenied;
    this.#isHidden = isHidden;
  }

  get namespaceCount(): number {
    return this.#namespaces.size - (this.#namespaces.has(NO_NAMESPACE) ? 1 : 0);
  }

  /**
   * Begins from what the member holds; `isSameEpoch` false makes its versions meaningless.
   * @param isSameVisibility what was hidden from it when it was sent what it holds is what is hidden now
   */
  start(
    namespaces: readonly string[],
    known: readonly KnownOwner[],
    isSameEpoch: boolean,
    networks: NetworksWanted = "none",
    isSameVisibility = true,
  ): void {
    for (const namespace of namespaces) this.#namespaces.set(namespace, this.#stamp);
    // Subscribed for as long as the stream lives: Subscribe cannot name it, and policy is about namespaces.
    if (networks !== "none") this.#namespaces.set(NO_NAMESPACE, this.#stamp);
    for (const { cluster, incarnation, sequence } of known) {
      if (cluster === this.#self) continue;
      const usable = isSameEpoch ? sequence : -1;
      this.#progress.set(cluster, { incarnation, sequence: usable, stamp: this.#stamp });
      this.#await(cluster);
    }
    // What the member may hold of them since policy was another goes: an empty reset says so.
    const denied = namespaces.filter((namespace) => this.#deny(namespace));
    const anew = isSameVisibility ? denied : [...namespaces];
    if (networks === "unknown") anew.push(NO_NAMESPACE);
    if (anew.length > 0) this.#stamp++;
    for (const namespace of anew) this.#namespaces.set(namespace, this.#stamp);
    this.#awaitAll(0);
  }

  subscribe(add: readonly string[], remove: readonly string[], generation: number): void {
    for (const namespace of remove) {
      this.#namespaces.delete(namespace);
      this.#denied.delete(namespace);
      this.#deniedDue.delete(namespace);
    }
    this.#stamp++;
    for (const namespace of add) {
      if (this.#namespaces.has(namespace)) continue;
      this.#namespaces.set(namespace, this.#stamp);
      this.#deny(namespace);
    }
    this.#awaitAll(generation);
  }

  ownerChanged(cluster: ClusterId): void {
    if (cluster !== this.#self) this.#pending.add(cluster);
  }

  /** The next message, or undefined when the member knows everything. */
  pull(): SingleOutgoing | undefined {
    if (this.#deniedDue.size > 0) {
      const namespaces = [...this.#deniedDue].slice(0, NAMES_PER_MESSAGE);
      for (const namespace of namespaces) this.#deniedDue.delete(namespace);
      return say({ $case: "importsDenied", value: { namespaces } });
    }
    for (;;) {
      if (this.#pass !== undefined) {
        const outgoing = this.#continue(this.#pass);
        if (outgoing !== undefined) return outgoing;
        continue;
      }
      if (this.#isSyncedDue && this.#awaited.size === 0) {
        this.#isSyncedDue = false;
        return say({ $case: "synced", value: { generation: this.#generation } });
      }
      const [cluster] = this.#pending;
      if (cluster === undefined) return undefined;
      this.#pending.delete(cluster);
      const outgoing = this.#begin(cluster);
      if (outgoing !== undefined) return outgoing;
    }
  }

  /** Notes what policy says of a wanted namespace; true: its rows are kept from the member. */
  #deny(namespace: string): boolean {
    if (!this.#isDenied(namespace)) return false;
    this.#denied.add(namespace);
    this.#deniedDue.add(namespace);
    return true;
  }

  #await(cluster: ClusterId): void {
    this.#pending.add(cluster);
    this.#awaited.add(cluster);
  }

  #awaitAll(generation: number): void {
    for (const { cluster } of this.#table.owners()) {
      if (cluster !== this.#self) this.#await(cluster);
    }
    this.#generation = generation;
    this.#isSyncedDue = true;
  }

  /** Starts a pass over an owner; returns its first message, if the start is one. */
  #begin(cluster: ClusterId): SingleOutgoing | undefined {
    const owner = this.#table.owner(cluster);
    const progress = this.#progress.get(cluster);
    if (owner === undefined || !owner.isComplete) {
      this.#awaited.delete(cluster);
      return this.#tellGone(cluster, progress);
    }
    const { incarnation, sequence } = owner;
    const upTo = { incarnation, sequence, stamp: this.#stamp };
    const isKnown = progress?.incarnation === incarnation && owner.canResumeFrom(progress.sequence);
    if (!isKnown) return this.#beginWhole(owner, upTo);
    const changed = owner
      .keysSince(progress.sequence)
      .filter((key) => this.#namespaces.has(namespaceOfRowKey(key)));
    const resets = new Set(this.#addedSince(progress.stamp));
    if (!owner.remembersSince(progress.sequence)) {
      for (const name of this.#unknowable(owner, changed)) resets.add(name);
    }
    // More than one message can name: all of them are sent anew.
    if (resets.size > NAMES_PER_MESSAGE) return this.#beginWhole(owner, upTo);
    const inResets = (key: RowKey): boolean => resets.has(namespaceOfRowKey(key));
    const keys = [...changed.filter((key) => !inResets(key)), ...this.#keysIn(owner, resets)];
    const since = progress.sequence;
    const hasSent = resets.size > 0;
    this.#pass = { owner, upTo, keys, isWhole: false, since, resets, next: 0, hasSent };
    return hasSent
      ? say({ $case: "ownerReset", value: { clusterId: cluster, namespaces: [...resets] } })
      : undefined;
  }

  #beginWhole(owner: OwnerView, upTo: Progress): SingleOutgoing {
    const keys = this.#keysOf(owner, -1);
    const whole = { isWhole: true, since: -1, resets: NO_NAMESPACES };
    this.#pass = { owner, upTo, keys, ...whole, next: 0, hasSent: true };
    return say({ $case: "ownerReset", value: { clusterId: owner.cluster, namespaces: [] } });
  }

  /**
   * Namespaces of changed rows that this member may not see, when it comes from before what the table remembers: whether it
   * holds an older version of one is not known any more. A reset leaves it with what it may see and names nothing else.
   */
  #unknowable(owner: OwnerView, changed: readonly RowKey[]): readonly string[] {
    if (!owner.hasAudiences) return [];
    return changed
      .filter((key) => owner.isRestricted(key) && !this.#shows(owner.row(key)))
      .map(namespaceOfRowKey);
  }

  #shows(row: ReturnType<OwnerView["row"]>): boolean {
    return row !== undefined && includes(row.audience, this.#self);
  }

  /** An owner that left is told to those who know that life of it; one that is merely incomplete is not (I7). */
  #tellGone(cluster: ClusterId, progress: Progress | undefined): SingleOutgoing | undefined {
    const departed = this.#table.departed(cluster);
    if (progress === undefined || departed === undefined || departed < progress.incarnation) {
      return undefined;
    }
    this.#progress.delete(cluster);
    const { incarnation } = progress;
    return say({ $case: "ownerGone", value: { clusterId: cluster, incarnation } });
  }

  /** One more message of a pass; undefined when it has none left, or its owner's life has ended. */
  #continue(pass: Pass): SingleOutgoing | undefined {
    const { owner, upTo } = pass;
    const { cluster } = owner;
    if (this.#table.owner(cluster) !== owner) {
      // The member may be inside a reset: whatever comes next of this owner starts over.
      this.#startOver(pass);
      return undefined;
    }
    while (pass.next < pass.keys.length) {
      const key = pass.keys[pass.next++];
      if (key !== undefined && this.#isForgotten(pass, key)) {
        this.#startOver(pass);
        return undefined;
      }
      const outgoing = key === undefined ? undefined : this.#change(pass, key);
      if (outgoing === undefined) continue;
      pass.hasSent = true;
      return outgoing;
    }
    this.#pass = undefined;
    this.#progress.set(cluster, upTo);
    const isAwaited = this.#awaited.has(cluster);
    // A pass that began before the latest Subscribe does not answer it: the next one does.
    if (upTo.stamp === this.#stamp) this.#awaited.delete(cluster);
    if (!pass.hasSent && !isAwaited) return undefined;
    return owner.completion(upTo.sequence);
  }

  #startOver({ owner: { cluster, incarnation }, upTo: { stamp } }: Pass): void {
    this.#progress.set(cluster, { incarnation, sequence: -1, stamp });
    this.#pending.add(cluster);
    this.#pass = undefined;
  }

  /**
   * Deleted since the pass began, so long ago that nobody remembers whom it may be told; or made anew since for others, so
   * that nobody knows whether this member holds what it was before.
   */
  #isForgotten({ owner, isWhole, since }: Pass, key: RowKey): boolean {
    if (isWhole || !owner.hasAudiences) return false;
    const row = owner.row(key);
    if (row === undefined && owner.tombstone(key) === undefined) return true;
    const isTold = this.#shows(row) || owner.mayHold(key, this.#self, since);
    return !isTold && !owner.canResumeFrom(since);
  }

  #change(pass: Pass, key: RowKey): SingleOutgoing | undefined {
    const { owner, upTo, isWhole, since, resets } = pass;
    const { cluster, incarnation } = owner;
    const namespace = namespaceOfRowKey(key);
    const stamp = this.#namespaces.get(namespace);
    // Subscribed during this pass: the next one resets that namespace.
    if (stamp === undefined || stamp > upTo.stamp || this.#denied.has(namespace)) return undefined;
    // It holds none of them: what it held under another visibility has been reset.
    if (this.#isHidden(cluster, namespace)) return undefined;
    const row = owner.row(key);
    if (row !== undefined && includes(row.audience, this.#self)) {
      return { kind: "row", sequence: row.sequence, encoded: row.message };
    }
    if (isWhole || resets.has(namespace)) return undefined;
    // Its tombstone may have been forgotten since the pass began: it has been told to nobody all the same.
    const sequence = row?.sequence ?? owner.tombstone(key) ?? owner.trimmedSequence;
    if (owner.hasAudiences && !owner.mayHold(key, this.#self, since)) return undefined;
    return say({ $case: "rowDelete", value: { clusterId: cluster, incarnation, sequence, key } });
  }

  /** All keys of namespaces subscribed after `stamp`; -1: of all that are. */
  #keysOf(owner: OwnerView, stamp: number): readonly RowKey[] {
    const wanted = [...this.#namespaces].filter(([, at]) => at > stamp).map(([name]) => name);
    return this.#keysIn(owner, new Set(wanted));
  }

  #keysIn(owner: OwnerView, namespaces: ReadonlySet<string>): readonly RowKey[] {
    if (namespaces.size === 0) return [];
    return [...owner.namespaces()].flatMap(([namespace, keys]) =>
      namespaces.has(namespace) && !this.#denied.has(namespace) ? [...keys] : [],
    );
  }

  #addedSince(stamp: number): string[] {
    if (stamp === this.#stamp) return [];
    return [...this.#namespaces].filter(([, at]) => at > stamp).map(([namespace]) => namespace);
  }
}

function say(message: Extract<SingleOutgoing, { kind: "message" }>["message"]): SingleOutgoing {
  return { kind: "message", message };
}

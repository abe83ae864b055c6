import type { OwnerVersion } from "../../api/broker/broker.gen.ts";
import {
  isNewer,
  type NetworkRow,
  type Row,
  type RowKey,
  type RowVersion,
  rowKey,
  type ServiceRow,
  serviceOfRowKey,
} from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import { LIMITS } from "../wire/limits.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { HeldRows } from "./held-rows.ts";
import type { SavedRow as Held, SavedOwner, SavedState } from "./saved/saved-state.ts";

/** What an OwnerReset has brought so far: it replaces the old rows only once it is complete. */
interface Staging {
  /** Undefined: everything. */
  readonly scope: ReadonlySet<string> | undefined;
  /** BOUNDED: as the owner's rows. */
  readonly rows: Map<RowKey, Held>;
}

interface Owner {
  incarnation: number;
  /** Of the last OwnerComplete in the present epoch; undefined: nothing can be built upon. */
  sequence: number | undefined;
  /** All of its rows have been sent at least once. */
  isWhole: boolean;
  /** BOUNDED: by the broker, LIMITS.rowsPerOwner. */
  readonly rows: Map<RowKey, Held>;
  /** Rows that a whole reset did not mention, in namespaces it may not have covered. BOUNDED: as rows. */
  readonly doubtful: Set<RowKey>;
  staging: Staging | undefined;
  /** Of an earlier process: shown only once the broker has told what has changed since. BOUNDED: as rows. */
  restored: Map<RowKey, Held> | undefined;
  /** A row of it could not be read here: what is held is less than what was sent. */
  hasUnreadable: boolean;
}

/** Which namespaces rows are wanted of, and which of them the broker is known to have delivered in this session. */
export interface MirrorScope {
  wants(namespace: string): boolean;
  isSettled(namespace: string): boolean;
}

/**
 * The last known rows of every other cluster. Kept through disconnections and changed as a whole: while
 * an owner is re-sent the old rows stay visible, so no service vanishes during a reset (I4, I7).
 * Each change returns the services it touched.
 */
export class Mirror {
  readonly #scope: MirrorScope;
  #epoch = "";
  /** BOUNDED: by the clusterset's members. */
  readonly #owners = new Map<ClusterId, Owner>();
  /** The rows of all owners that are shown. */
  readonly #held = new HeldRows();

  constructor(scope: MirrorScope) {
    this.#scope = scope;
  }

  /** Identity of the broker's data that `known` refers to. */
  get epoch(): string {
    return this.#epoch;
  }

  owners(): readonly ClusterId[] {
    return [...this.#owners.keys()].sort();
  }

  /** All rows of this cluster have been here at least once; false for one that left. */
  isWhole(cluster: ClusterId): boolean {
    return this.#owners.get(cluster)?.isWhole ?? false;
  }

  /** The network row of each cluster that has one. */
  networks(): ReadonlyMap<ClusterId, NetworkRow> {
    return this.#held.networks();
  }

  rows(service: ServiceKey): readonly ServiceRow[] {
    return this.#held.rows(service);
  }

  services(): Iterable<ServiceKey> {
    return this.#held.services();
  }

  /**
   * What Hello says of each owner. An owner whose rows come from an epoch that is over is named with a
   * version from the future: it is reset or told gone, never continued.
   */
  known(): readonly OwnerVersion[] {
    return [...this.#owners].map(([clusterId, { incarnation, sequence }]) => ({
      clusterId,
      incarnation,
      sequence: sequence ?? LIMITS.sequence,
    }));
  }

  /** A new stream: half-sent resets are void, and versions too when the broker's data is not what it was. */
  beginSession(epoch: string): void {
    for (const owner of this.#owners.values()) {
      owner.staging = undefined;
      if (epoch === this.#epoch) continue;
      owner.sequence = undefined;
      owner.restored = undefined;
    }
    this.#epoch = epoch;
  }

  /**
   * What an earlier process was sent, before anything else. It is built upon, and shown as the broker completes each owner: until
   * then it may be older than what that process had made of what came later.
   */
  restore({ epoch, owners }: Pick<SavedState, "epoch" | "owners">): void {
    this.#epoch = epoch;
    for (const { cluster, incarnation, sequence, rows } of owners) {
      const owner = this.#owner(cluster, incarnation);
      owner.sequence = sequence;
      owner.restored = new Map(rows.map((held) => [rowKey(held.row), held]));
    }
  }

  /** Hello names only these: of others nobody will say what has changed. */
  keepRestored(namespaces: ReadonlySet<string>): void {
    for (const { restored } of this.#owners.values()) {
      for (const key of restored?.keys() ?? []) {
        if (!namespaces.has(namespaceOfRowKey(key))) restored?.delete(key);
      }
    }
  }

  /** For `restore` of the next process, without network rows: those are few and sent anew. Rows are not copied. */
  saved(): Pick<SavedState, "epoch" | "owners"> {
    const owners: SavedOwner[] = [];
    for (const [cluster, owner] of this.#owners) {
      const { incarnation, sequence, hasUnreadable, restored, rows } = owner;
      // A newer process may be able to read what this one was not: it is to be sent all.
      if (sequence === undefined || hasUnreadable) continue;
      const kept = [...(restored ?? rows).values()].filter(({ row }) => row.kind !== "network");
      owners.push({ cluster, incarnation, sequence, rows: kept });
    }
    return { epoch: this.#epoch, owners };
  }

  /** Namespaces empty: everything. */
  reset(cluster: ClusterId, namespaces: readonly string[]): void {
    const owner = this.#owner(cluster, 0);
    const scope = namespaces.length === 0 ? undefined : new Set(namespaces);
    owner.staging = { scope, rows: new Map() };
    if (scope !== undefined) return;
    owner.restored = undefined;
    owner.hasUnreadable = false;
  }

  put(cluster: ClusterId, version: RowVersion, key: RowKey, row: Row): ReadonlySet<ServiceKey> {
    const namespace = namespaceOfRowKey(key);
    if (!this.#scope.wants(namespace)) return NOTHING;
    const owner = this.#owner(cluster, version.incarnation);
    const staging = stagingOf(owner, namespace);
    if (staging !== undefined) {
      staging.rows.set(key, heldRow(row, version));
      return NOTHING;
    }
    if (owner.restored !== undefined) {
      owner.restored.set(key, heldRow(row, version));
      return NOTHING;
    }
    owner.doubtful.delete(key);
    const held = owner.rows.get(key);
    if (held !== undefined && !isNewer(version, held.version)) return NOTHING;
    this.#set(cluster, owner, key, heldRow(row, version));
    return new Set([serviceOfRowKey(key)]);
  }

  delete(cluster: ClusterId, version: RowVersion, key: RowKey): ReadonlySet<ServiceKey> {
    const owner = this.#owners.get(cluster);
    if (owner === undefined) return NOTHING;
    const staging = stagingOf(owner, namespaceOfRowKey(key));
    if (staging !== undefined) {
      staging.rows.delete(key);
      return NOTHING;
    }
    if (owner.restored !== undefined) {
      owner.restored.delete(key);
      return NOTHING;
    }
    const held = owner.rows.get(key);
    if (held === undefined || isNewer(held.version, version)) return NOTHING;
    this.#remove(cluster, owner, key);
    return new Set([serviceOfRowKey(key)]);
  }

  /** A row that cannot be read: what was held of it is no longer true. */
  unreadable(cluster: ClusterId, version: RowVersion, key: RowKey): ReadonlySet<ServiceKey> {
    this.#owner(cluster, version.incarnation).hasUnreadable = true;
    return this.delete(cluster, version, key);
  }

  /** Everything of this owner up to this version is here: what was staged or restored becomes visible, all at once. */
  complete(cluster: ClusterId, version: RowVersion): ReadonlySet<ServiceKey> {
    const owner = this.#owner(cluster, version.incarnation);
    owner.incarnation = version.incarnation;
    owner.sequence = version.sequence;
    owner.isWhole = true;
    const { restored } = owner;
    const staging = restored === undefined ? owner.staging : upon(restored, owner.staging);
    owner.staging = undefined;
    owner.restored = undefined;
    return staging === undefined ? NOTHING : this.#commit(cluster, owner, staging);
  }

  /** The owner has left: rows of this incarnation and earlier ones go. */
  gone(cluster: ClusterId, incarnation: number): ReadonlySet<ServiceKey> {
    const owner = this.#owners.get(cluster);
    if (owner === undefined) return NOTHING;
    owner.staging = undefined;
    if (owner.incarnation <= incarnation) owner.restored = undefined;
    const changed = new Set<ServiceKey>();
    for (const [key, { version }] of owner.rows) {
      if (version.incarnation > incarnation) continue;
      this.#remove(cluster, owner, key);
      changed.add(serviceOfRowKey(key));
    }
    if (owner.incarnation <= incarnation && owner.rows.size === 0) this.#owners.delete(cluster);
    return changed;
  }

  /** Namespaces that are not wanted any more. */
  drop(namespaces: ReadonlySet<string>): ReadonlySet<ServiceKey> {
    for (const { restored } of this.#owners.values()) {
      for (const key of restored?.keys() ?? []) {
        if (namespaces.has(namespaceOfRowKey(key))) restored?.delete(key);
      }
    }
    return this.#removeWhere(
      (owner) => owner.rows.keys(),
      (key) => namespaces.has(namespaceOfRowKey(key)),
    );
  }

  /** More namespaces are settled: what no reset has mentioned in them is no more. */
  settle(): ReadonlySet<ServiceKey> {
    return this.#removeWhere(
      (owner) => owner.doubtful,
      (key) => this.#scope.isSettled(namespaceOfRowKey(key)),
    );
  }

  #commit(cluster: ClusterId, owner: Owner, { scope, rows }: Staging): ReadonlySet<ServiceKey> {
    const changed = new Set<ServiceKey>();
    for (const key of owner.rows.keys()) {
      const namespace = namespaceOfRowKey(key);
      if (rows.has(key) || scope?.has(namespace) === false) continue;
      if (scope === undefined && !this.#scope.isSettled(namespace)) {
        owner.doubtful.add(key);
        continue;
      }
      this.#remove(cluster, owner, key);
      changed.add(serviceOfRowKey(key));
    }
    for (const [key, held] of rows) {
      if (!this.#scope.wants(namespaceOfRowKey(key))) continue;
      owner.doubtful.delete(key);
      const before = owner.rows.get(key);
      this.#set(cluster, owner, key, held);
      const isSame =
        before !== undefined &&
        before.version.incarnation === held.version.incarnation &&
        before.version.sequence === held.version.sequence;
      if (!isSame) changed.add(serviceOfRowKey(key));
    }
    return changed;
  }

  #removeWhere(
    keysOf: (owner: Owner) => Iterable<RowKey>,
    isOver: (key: RowKey) => boolean,
  ): ReadonlySet<ServiceKey> {
    const changed = new Set<ServiceKey>();
    for (const [cluster, owner] of this.#owners) {
      for (const key of keysOf(owner)) {
        if (!isOver(key)) continue;
        this.#remove(cluster, owner, key);
        changed.add(serviceOfRowKey(key));
      }
    }
    return changed;
  }

  #owner(cluster: ClusterId, incarnation: number): Owner {
    const known = this.#owners.get(cluster);
    if (known !== undefined) return known;
    const owner: Owner = {
      incarnation,
      sequence: undefined,
      isWhole: false,
      rows: new Map(),
      doubtful: new Set(),
      staging: undefined,
      restored: undefined,
      hasUnreadable: false,
    };
    this.#owners.set(cluster, owner);
    return owner;
  }

  #set(cluster: ClusterId, owner: Owner, key: RowKey, held: Held): void {
    owner.rows.set(key, held);
    this.#held.set(cluster, key, held);
  }

  #remove(cluster: ClusterId, owner: Owner, key: RowKey): void {
    owner.rows.delete(key);
    owner.doubtful.delete(key);
    this.#held.remove(cluster, key);
  }
}

/** A version may come as the whole message that brought the row: kept, it would hold the row a second time. */
function heldRow(row: Row, { incarnation, sequence }: RowVersion): Held {
  return { row, version: { incarnation, sequence } };
}

/** All of an owner: what was restored, but for the namespaces that were sent anew. */
function upon(restored: ReadonlyMap<RowKey, Held>, staging: Staging | undefined): Staging {
  const kept = [...restored].filter(([key]) => !staging?.scope?.has(namespaceOfRowKey(key)));
  return { scope: undefined, rows: new Map([...kept, ...(staging?.rows ?? [])]) };
}

const NOTHING: ReadonlySet<ServiceKey> = new Set();

/** The staging that a row of this namespace belongs to; undefined: it is visible at once. */
function stagingOf({ staging }: Owner, namespace: string): Staging | undefined {
  return staging?.scope === undefined || staging.scope.has(namespace) ? staging : undefined;
}

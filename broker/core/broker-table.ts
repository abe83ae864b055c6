import type { ClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { LIMITS } from "../wire/limits.ts";
import type { MemberRecord } from "./member-record.ts";
import { OwnerRows, type OwnerView } from "./owner-rows.ts";
import type { StoreRecord } from "./store-record.ts";

/** What everybody but the store may do with the table. */
export type TableView = Pick<
  BrokerTable,
  "owner" | "owners" | "member" | "members" | "departed" | "departures" | "rowCount" | "snapshot"
>;

/**
 * The broker's whole state: members and the rows of each owner. Deterministic: the same records in the
 * same order give the same table, and records that are outdated or repeated change nothing, so that a
 * log may be replayed and a write may be sent twice.
 */
export class BrokerTable {
  /** BOUNDED: by the members that joined. */
  readonly #owners = new Map<ClusterId, OwnerRows>();
  /** BOUNDED: by the clusters an admin let join. */
  readonly #members = new Map<ClusterId, MemberRecord>();
  /** Highest incarnation that is over. BOUNDED: by the clusters that ever left. */
  readonly #departed = new Map<ClusterId, number>();
  readonly #tombstonesMax: number;

  constructor(tombstonesMax: number = LIMITS.tombstonesPerOwner) {
    this.#tombstonesMax = tombstonesMax;
  }

  owner(cluster: ClusterId): OwnerView | undefined {
    return this.#owners.get(cluster);
  }

  owners(): Iterable<OwnerView> {
    return this.#owners.values();
  }

  member(cluster: ClusterId): MemberRecord | undefined {
    return this.#members.get(cluster);
  }

  members(): readonly MemberRecord[] {
    return [...this.#members.values()];
  }

  /** Last incarnation of a cluster id whose membership has ended. */
  departed(cluster: ClusterId): number | undefined {
    return this.#departed.get(cluster);
  }

  /** Every cluster id whose membership has ended, with its last incarnation. */
  departures(): ReadonlyMap<ClusterId, number> {
    return this.#departed;
  }

  rowCount(): number {
    let count = 0;
    for (const owner of this.#owners.values()) count += owner.size;
    return count;
  }

  /** True when the record changed something. */
  apply(record: StoreRecord): boolean {
    switch (record.kind) {
      case "row": {
        const owner = this.#life(record);
        return owner?.put(record.key, record.sequence, record.bytes) ?? false;
      }
      case "delete":
        return (
          this.#life(record)?.delete(record.key, record.sequence, record.restricted === true) ??
          false
        );
      case "complete":
        return this.#life(record)?.complete() ?? false;
      case "member":
        return this.#join(record.member);
      case "gone":
        return this.#leave(record.cluster, record.incarnation);
      case "owner": {
        const owner = this.#life(record);
        owner?.raise(record.sequence, record.trimmedSequence);
        if (record.complete) owner?.complete();
        return owner !== undefined;
      }
      default:
        return assertNever(record);
    }
  }

  /** Drops all that is known of a cluster but that lives of it are over: its records are about to be told anew. */
  forget(cluster: ClusterId): void {
    this.#owners.delete(cluster);
    this.#members.delete(cluster);
  }

  /** Records that make an equal table out of an empty one. */
  *snapshot(): IterableIterator<StoreRecord> {
    for (const [cluster, incarnation] of this.#departed) {
      yield { kind: "gone", cluster, incarnation };
    }
    for (const member of this.#members.values()) yield { kind: "member", member };
    for (const owner of this.#owners.values()) yield* snapshotOwner(owner);
  }

  /** The owner in this incarnation, begun when it is the first or a later one; undefined when it is over (CLN-13). */
  #life(record: {
    readonly cluster: ClusterId;
    readonly incarnation: number;
  }): OwnerRows | undefined {
    const { cluster, incarnation } = record;
    const owner = this.#owners.get(cluster);
    if (owner?.incarnation === incarnation) return owner;
    const lastOver = Math.max(this.#departed.get(cluster) ?? -1, owner?.incarnation ?? -1);
    if (incarnation <= lastOver) return undefined;
    const begun = new OwnerRows(cluster, incarnation, this.#tombstonesMax);
    this.#owners.set(cluster, begun);
    return begun;
  }

  #join(member: MemberRecord): boolean {
    const known = this.#members.get(member.cluster);
    if (known !== undefined && known.incarnation > member.incarnation) return false;
    if (this.#life(member) === undefined) return false;
    this.#members.set(member.cluster, keepFrozen(known, member));
    return true;
  }

  #leave(cluster: ClusterId, incarnation: number): boolean {
    if ((this.#departed.get(cluster) ?? -1) >= incarnation) return false;
    this.#departed.set(cluster, incarnation);
    const member = this.#members.get(cluster);
    if (member !== undefined && member.incarnation <= incarnation) this.#members.delete(cluster);
    const owner = this.#owners.get(cluster);
    if (owner !== undefined && owner.incarnation <= incarnation) this.#owners.delete(cluster);
    return true;
  }
}

/** Whoever wrote the record may not have seen that this life was revoked: that is not undone. */
function keepFrozen(known: MemberRecord | undefined, next: MemberRecord): MemberRecord {
  const isSameLife = known?.incarnation === next.incarnation;
  if (!isSameLife || known?.frozenAtMs === undefined) return next;
  return { ...next, frozenAtMs: known.frozenAtMs };
}

function* snapshotOwner(owner: OwnerView): IterableIterator<StoreRecord> {
  const { cluster, incarnation } = owner;
  for (const key of owner.keysSince(-1)) {
    const row = owner.row(key);
    if (row !== undefined) {
      yield { kind: "row", cluster, incarnation, key, sequence: row.sequence, bytes: row.bytes };
    } else {
      const sequence = owner.tombstone(key);
      if (sequence === undefined) continue;
      const restricted = owner.isRestricted(key) ? ({ restricted: true } as const) : {};
      yield { kind: "delete", cluster, incarnation, key, sequence, ...restricted };
    }
  }
  yield {
    kind: "owner",
    cluster,
    incarnation,
    sequence: owner.sequence,
    complete: owner.isComplete,
    trimmedSequence: owner.trimmedSequence,
  };
}

import type { MemberMessage, Refused } from "../../api/broker/broker.gen.ts";
import {
  NETWORK_ROW_KEY,
  type NetworkRow,
  type Row,
  type RowKey,
  rowKey,
  type ServiceRow,
  serviceOfRow,
  serviceOfRowKey,
} from "../../api/broker/row.ts";
import { invariant } from "../../api/invariant.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import { rowTooLarge } from "../wire/decode-row.ts";
import { encodeRow, encodeRowBytes } from "../wire/encode-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { ownListDigest } from "../wire/own-list-digest.ts";
import { digestOfBytes } from "../wire/row-digest.ts";
import type { SavedOwnRow } from "./saved/saved-state.ts";

/** SHA-256 of a row's canonical encoding, base64. */
type Digest = string;

interface Desired {
  readonly row: Row;
  readonly digest: Digest;
  /** A row that the broker could not even read is not sent. */
  readonly refusedHere: string | undefined;
}

/** A write on its way; without digest: a deletion. */
interface InFlight {
  readonly sequence: number;
  readonly digest: Digest | undefined;
}

interface Stored {
  readonly sequence: number;
  readonly digest: Digest;
}

interface Refusal {
  readonly digest: Digest;
  readonly reason: string;
  /** In this stream: not sent again before the row changes or a new stream begins, or there may be room for it. */
  isFinal: boolean;
  readonly forRoom: boolean;
}

/**
 * The rows this cluster owns, as wanted and as the broker holds them, and what is to be sent to make
 * the second equal the first. A stream begins with the broker's list, so that only differences travel.
 */
export class OwnRows {
  /** BOUNDED: by the exports of this cluster; the broker refuses rows beyond LIMITS.rowsPerOwner. */
  readonly #desired = new Map<RowKey, Desired>();
  /** BOUNDED: as desired. */
  readonly #services = new Map<ServiceKey, ReadonlySet<RowKey>>();
  /** Last known to be durable at the broker. BOUNDED: by LIMITS.rowsPerOwner, checked in `listed`. */
  #stored = new Map<RowKey, Stored>();
  /** As `#stored` was to an earlier process, until the broker confirms it. BOUNDED: as stored. */
  #restored: Map<RowKey, Stored> | undefined;
  /** The broker's list while it arrives. BOUNDED: as stored. */
  #listing: Map<RowKey, Stored> | undefined;
  /** In the order of their sequences. BOUNDED: by the keys desired or stored. */
  readonly #inFlight = new Map<RowKey, InFlight>();
  /** Keys to compare. BOUNDED: as inFlight. */
  readonly #dirty = new Set<RowKey>();
  /** BOUNDED: by the keys desired. */
  readonly #refused = new Map<RowKey, Refusal>();
  #isComplete = false;
  #isNetworkKnown = false;
  /** In this stream. */
  #takesNetworks = false;
  #isReady = false;
  #isCompleteSent = false;
  #lastSequence = 0;

  /**
   * Replaces the network row; undefined withdraws it. Until this was said once, one that the broker holds stays: it is not
   * known whether it is true (I6).
   */
  setNetwork(row: NetworkRow | undefined): void {
    this.#isNetworkKnown = true;
    if (row === undefined) this.#unwant(NETWORK_ROW_KEY);
    else this.#want(row);
  }

  /** What an earlier process believed the broker to hold, before anything else: named to it, and believed once it agrees. */
  restore(rows: readonly SavedOwnRow[]): void {
    this.#restored = new Map(rows.map(({ key, sequence, digest }) => [key, { sequence, digest }]));
  }

  /** For `restore` of the next process. */
  saved(): readonly SavedOwnRow[] {
    return [...(this.#restored ?? this.#stored)].map(([key, stored]) => ({ key, ...stored }));
  }

  /** Replaces the rows of one service; an empty list withdraws them. */
  set(service: ServiceKey, rows: readonly ServiceRow[]): void {
    const before = this.#services.get(service) ?? new Set<RowKey>();
    const now = new Set<RowKey>();
    for (const row of rows) {
      invariant(serviceOfRow(row) === service, "an own row belongs to the service it is set for", {
        service,
        row: rowKey(row),
      });
      now.add(this.#want(row));
    }
    for (const key of before) {
      if (!now.has(key)) this.#unwant(key);
    }
    if (now.size > 0) this.#services.set(service, now);
    else this.#services.delete(service);
  }

  /** Every own row has been set: what the broker holds beyond them is to go. */
  markComplete(): void {
    if (this.#isComplete) return;
    this.#isComplete = true;
    for (const key of this.#stored.keys()) this.#dirty.add(key);
    for (const key of this.#inFlight.keys()) this.#dirty.add(key);
  }

  isStored(key: RowKey): boolean {
    const desired = this.#desired.get(key);
    return desired !== undefined && this.#stored.get(key)?.digest === desired.digest;
  }

  refusal(key: RowKey): string | undefined {
    const desired = this.#desired.get(key);
    if (desired === undefined) return undefined;
    if (desired.refusedHere !== undefined) return desired.refusedHere;
    const refusal = this.#refused.get(key);
    return refusal?.digest === desired.digest ? refusal.reason : undefined;
  }

  /** A stream is open; `sequence` is the highest the broker has of us. Its list follows. */
  beginSession(sequence: number, takesNetworks = false): void {
    this.endSession();
    this.#takesNetworks = takesNetworks;
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    this.#listing = new Map();
    for (const refusal of this.#refused.values()) refusal.isFinal = false;
  }

  /** What was on its way may or may not have arrived: the next list tells. */
  endSession(): void {
    this.#isReady = false;
    this.#isCompleteSent = false;
    this.#listing = undefined;
    this.#inFlight.clear();
  }

  /** Of what the broker is believed to hold of us; empty: nothing. What was on its way last makes it differ, and the list tells. */
  listDigest(): Uint8Array {
    const held = this.#restored ?? this.#stored;
    if (held.size === 0) return new Uint8Array();
    return ownListDigest(
      [...held].map(([key, { digest }]) => [key, Buffer.from(digest, "base64")]),
    );
  }

  /** One line of the broker's list. False: there are more of them than a cluster may own. */
  listed(key: RowKey, sequence: number, digest: Uint8Array): boolean {
    this.#listing?.set(key, { sequence, digest: Buffer.from(digest).toString("base64") });
    return (this.#listing?.size ?? 0) <= LIMITS.rowsPerOwner;
  }

  /**
   * The list is whole: from here on differences are sent. Returns the services whose fate changed.
   * @param isUnchanged there was none: the broker holds what `listDigest` said
   */
  listEnded(isUnchanged = false): ReadonlySet<ServiceKey> {
    const before = this.#stored;
    const named = this.#restored ?? this.#stored;
    this.#stored = isUnchanged ? named : (this.#listing ?? new Map<RowKey, Stored>());
    this.#restored = undefined;
    this.#listing = undefined;
    this.#isReady = true;
    const changed = new Set<ServiceKey>();
    for (const keys of [this.#desired.keys(), before.keys(), this.#stored.keys()]) {
      for (const key of keys) {
        this.#dirty.add(key);
        if (before.get(key)?.digest !== this.#stored.get(key)?.digest) {
          changed.add(serviceOfRowKey(key));
        }
      }
    }
    return changed;
  }

  /** Of those under way, in the order of their sequences, those up to here. */
  *underWay(sequence: number): Iterable<{ readonly key: RowKey; readonly sequence: number }> {
    for (const [key, write] of this.#inFlight) {
      if (write.sequence > sequence) return;
      yield { key, sequence: write.sequence };
    }
  }

  /** Writes up to here are decided: they are stored unless they were refused. */
  stored(sequence: number): ReadonlySet<ServiceKey> {
    const changed = new Set<ServiceKey>();
    for (const [key, write] of this.#inFlight) {
      if (write.sequence > sequence) break;
      this.#inFlight.delete(key);
      if (write.digest === undefined) this.#stored.delete(key);
      else this.#stored.set(key, { sequence: write.sequence, digest: write.digest });
      if (write.digest !== undefined) this.#refused.delete(key);
      else this.#tryForRoom();
      changed.add(serviceOfRowKey(key));
    }
    return changed;
  }

  /** The row is not stored, nor is an older version of it. */
  refused(
    key: RowKey,
    { sequence, reason, forRoom }: Pick<Refused, "sequence" | "reason" | "forRoom">,
  ): ReadonlySet<ServiceKey> {
    const write = this.#inFlight.get(key);
    const digest = write?.sequence === sequence ? write.digest : undefined;
    // The row has changed since: what becomes of the newer one is not known yet.
    if (digest === undefined) return new Set();
    this.#inFlight.delete(key);
    this.#stored.delete(key);
    // Last in line for the next room.
    this.#refused.delete(key);
    this.#refused.set(key, { digest, reason, isFinal: true, forRoom });
    this.#dirty.add(key);
    return new Set([serviceOfRowKey(key)]);
  }

  /** A row has gone: one of those that there was no room for is sent again, so that each room is asked for once. */
  #tryForRoom(): void {
    for (const [key, refusal] of this.#refused) {
      if (!refusal.forRoom || !refusal.isFinal) continue;
      refusal.isFinal = false;
      this.#dirty.add(key);
      return;
    }
  }

  /** The next message to send; undefined when the broker has been told everything. */
  next(nowMs: number): MemberMessage["message"] {
    if (!this.#isReady) return undefined;
    for (const key of this.#dirty) {
      this.#dirty.delete(key);
      const message = this.#difference(key, nowMs);
      if (message !== undefined) return message;
    }
    if (!this.#isComplete || this.#isCompleteSent) return undefined;
    this.#isCompleteSent = true;
    return { $case: "ownComplete", value: { sequence: this.#lastSequence } };
  }

  #want(row: Row): RowKey {
    const key = rowKey(row);
    const bytes = encodeRowBytes(row);
    const digest = Buffer.from(digestOfBytes(bytes)).toString("base64");
    if (this.#desired.get(key)?.digest === digest) return key;
    const refusedHere = bytes.length > LIMITS.rowBytes ? rowTooLarge(bytes.length) : undefined;
    this.#desired.set(key, { row, digest, refusedHere });
    this.#dirty.add(key);
    return key;
  }

  #unwant(key: RowKey): void {
    this.#desired.delete(key);
    this.#refused.delete(key);
    this.#dirty.add(key);
  }

  #difference(key: RowKey, nowMs: number): MemberMessage["message"] {
    const desired = this.#desired.get(key);
    const write = this.#inFlight.get(key);
    const there = write === undefined ? this.#stored.get(key)?.digest : write.digest;
    if (desired === undefined || desired.refusedHere !== undefined) {
      // Not before everything is known: what looks withdrawn may only not have been seen yet (I6).
      if (there === undefined || !this.#isComplete) return undefined;
      if (key === NETWORK_ROW_KEY && !this.#isNetworkKnown) return undefined;
      const sequence = this.#sent(key, undefined, nowMs);
      return { $case: "delete", value: { sequence, key } };
    }
    if (there === desired.digest) return undefined;
    // A broker of an earlier version could not read it: the next stream may be to another.
    if (key === NETWORK_ROW_KEY && !this.#takesNetworks) return undefined;
    const refusal = this.#refused.get(key);
    if (refusal?.isFinal === true && refusal.digest === desired.digest) return undefined;
    const sequence = this.#sent(key, desired.digest, nowMs);
    return { $case: "put", value: { sequence, row: encodeRow(desired.row) } };
  }

  /** Sequences grow above all earlier ones, and above those of a broker that has forgotten ours, as wall time does. */
  #sent(key: RowKey, digest: Digest | undefined, nowMs: number): number {
    const sequence = Math.max(this.#lastSequence + 1, Math.floor(nowMs));
    this.#lastSequence = sequence;
    this.#inFlight.delete(key);
    this.#inFlight.set(key, { sequence, digest });
    return sequence;
  }
}

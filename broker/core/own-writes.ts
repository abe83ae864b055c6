import type { Delete, Put, Refused } from "../../api/broker/broker.gen.ts";
import type { Row, RowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { checkGlobals, type GlobalBlock, NO_BLOCK } from "../globals/global-block.ts";
import {
  checkHoldings,
  checkRow,
  type Holdings,
  holdingsOf,
  minus,
  NO_HOLDINGS,
  plus,
} from "../policy/check-row.ts";
import { type ClusterPolicy, UNLIMITED } from "../policy/cluster-policy.ts";
import { holdingsOfOwner, holdingsOfStored } from "../policy/owner-holdings.ts";
import { type AnnouncedCidrs, checkAnnounced } from "../wire/address-rules.ts";
import { decodeRow, rowTooLarge } from "../wire/decode-row.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { parseRowKey, rowKeyOfMessage } from "../wire/parse-row-key.ts";
import type { TableView } from "./broker-table.ts";
import type { StoreRecord } from "./store-record.ts";

/** What becomes of one write: records to append (none: nothing changes), and a refusal to tell at once. */
export interface Verdict {
  readonly records: readonly StoreRecord[];
  /** The write is answered by Stored with this sequence once everything appended before is durable. */
  readonly storedSequence?: number;
  readonly refusal?: Refused;
}

interface Pending {
  readonly sequence: number;
  readonly kind: "row" | "delete";
  /** What is held of it then. */
  readonly holdings: Holdings;
}

/** A row that may be stored. */
interface Accepted {
  readonly bytes: Uint8Array;
  readonly holdings: Holdings;
}

interface Unstored {
  readonly sequence: number;
  readonly bytes: number;
  /** What it writes; undefined: nothing. */
  readonly key: RowKey | undefined;
}

/** Decides the writes of one member, each against the table plus the writes that are on their way into it. */
export class OwnWrites {
  readonly #cluster: ClusterId;
  readonly #incarnation: number;
  readonly #table: TableView;
  readonly #rowsMax: number;
  readonly #policy: ClusterPolicy;
  /** With everything that is on its way. */
  #holdings = NO_HOLDINGS;
  #last = 0;
  /** Latest write per key that is not durable yet. BOUNDED: by the session, which stops reading (isFull). */
  readonly #pending = new Map<RowKey, Pending>();
  /** Ascending. BOUNDED: as #pending. */
  readonly #unstored: Unstored[] = [];
  #unstoredBytes = 0;

  constructor(
    owner: { readonly cluster: ClusterId; readonly incarnation: number },
    table: TableView,
    {
      rowsMax = LIMITS.rowsPerOwner,
      policy = UNLIMITED,
    }: { readonly rowsMax?: number; readonly policy?: ClusterPolicy } = {},
  ) {
    this.#cluster = owner.cluster;
    this.#incarnation = owner.incarnation;
    this.#table = table;
    this.#rowsMax = rowsMax;
    this.#policy = policy;
  }

  /** Takes up where the table is. */
  start(): void {
    const owner = this.#owner();
    this.#last = owner?.sequence ?? 0;
    this.#holdings = owner === undefined ? NO_HOLDINGS : holdingsOfOwner(owner);
  }

  /** Highest sequence decided. */
  get lastSequence(): number {
    return this.#last;
  }

  /** Too much is on its way into the store: nothing more should be read. */
  get isFull(): boolean {
    return (
      this.#unstored.length >= LIMITS.unstoredWrites || this.#unstoredBytes >= LIMITS.unstoredBytes
    );
  }

  put({ sequence, row: message }: Put, cidrs: AnnouncedCidrs, globals = NO_BLOCK): Verdict {
    if (message === undefined) return refuse(sequence, "", "put must hold a row: got none");
    const key = rowKeyOfMessage(message);
    const decoded = this.#decode(message, cidrs, globals);
    const order = this.#checkSequence(sequence);
    if (!order.ok) {
      const stored = key.ok ? this.#owner()?.row(key.value)?.bytes : undefined;
      const isRepeat = stored !== undefined && decoded.ok && equal(stored, decoded.value.bytes);
      if (isRepeat) return this.#repeat();
      return refuse(sequence, key.ok ? key.value : "", order.error);
    }
    this.#last = sequence;
    if (!key.ok) return refuse(sequence, "", key.error);
    if (!decoded.ok) return this.#refuseRow(sequence, key.value, decoded.error);
    return this.#accept(sequence, key.value, decoded.value);
  }

  delete({ sequence, key: text }: Delete): Verdict {
    const key = parseRowKey(text);
    const order = this.#checkSequence(sequence);
    if (!order.ok) {
      const isRepeat = key.ok && !this.#isHeld(key.value);
      if (isRepeat) return this.#repeat();
      return refuse(sequence, key.ok ? key.value : "", order.error);
    }
    this.#last = sequence;
    if (!key.ok) return refuse(sequence, "", key.error);
    const records = this.#isHeld(key.value) ? [this.#deletion(sequence, key.value)] : [];
    this.#track(sequence, 0, key.value);
    return { records, storedSequence: sequence };
  }

  /** All rows are here: the owner may be shown. */
  complete(): Verdict {
    const { isComplete = false, incarnation } = this.#owner() ?? {};
    const isKnown = isComplete && incarnation === this.#incarnation;
    const identity = { cluster: this.#cluster, incarnation: this.#incarnation };
    this.#track(this.#last, 0);
    return {
      records: isKnown ? [] : [{ kind: "complete", ...identity }],
      storedSequence: this.#last,
    };
  }

  durable(sequence: number): void {
    for (let [first] = this.#unstored; first !== undefined; [first] = this.#unstored) {
      if (first.sequence > sequence) return;
      this.#unstored.shift();
      this.#unstoredBytes -= first.bytes;
      const { key } = first;
      if (key !== undefined && this.#pending.get(key)?.sequence === first.sequence) {
        this.#pending.delete(key);
      }
    }
  }

  /** Sent before: answered when what is on its way has been stored. Tracked, or a flood of repeats had no bound. */
  #repeat(): Verdict {
    this.#track(this.#last, 0);
    return { records: [], storedSequence: this.#last };
  }

  #accept(sequence: number, key: RowKey, { bytes, holdings }: Accepted): Verdict {
    const stored = this.#owner()?.row(key);
    if (stored !== undefined && !this.#pending.has(key) && equal(stored.bytes, bytes)) {
      // Nothing new: no write, no fan-out (I9).
      this.#track(sequence, 0);
      return { records: [], storedSequence: sequence };
    }
    if (!this.#isHeld(key) && this.#heldCount() >= this.#rowsMax) {
      const limit = `rows of one cluster must be at most ${this.#rowsMax}: this would be one more`;
      return forRoom(refuse(sequence, key, limit));
    }
    const after = plus(minus(this.#holdings, this.#heldOf(key)), holdings);
    const allowed = checkHoldings(this.#policy, this.#holdings, after);
    if (!allowed.ok) return forRoom(this.#refuseRow(sequence, key, allowed.error));
    this.#holdings = after;
    this.#pending.set(key, { sequence, kind: "row", holdings });
    this.#track(sequence, bytes.length, key);
    const owner = { cluster: this.#cluster, incarnation: this.#incarnation };
    return {
      records: [{ kind: "row", ...owner, sequence, key, bytes }],
      storedSequence: sequence,
    };
  }

  /** A refused row must not leave an older version of itself visible. */
  #refuseRow(sequence: number, key: RowKey, reason: string): Verdict {
    const refusal = { sequence, key, reason, forRoom: false };
    if (!this.#isHeld(key)) return { records: [], refusal };
    this.#track(sequence, 0, key);
    return { records: [this.#deletion(sequence, key)], storedSequence: sequence, refusal };
  }

  #deletion(sequence: number, key: RowKey): StoreRecord {
    this.#holdings = minus(this.#holdings, this.#heldOf(key));
    this.#pending.set(key, { sequence, kind: "delete", holdings: NO_HOLDINGS });
    return {
      kind: "delete",
      cluster: this.#cluster,
      incarnation: this.#incarnation,
      sequence,
      key,
    };
  }

  #decode(
    message: NonNullable<Put["row"]>,
    cidrs: AnnouncedCidrs,
    globals: GlobalBlock,
  ): Result<Accepted, string> {
    const row = decodeRow(this.#cluster, message);
    if (!row.ok) return row;
    const bytes = encodeRowBytes(row.value);
    if (bytes.length > LIMITS.rowBytes) return err(rowTooLarge(bytes.length));
    const allowed = checkRow(this.#policy, row.value, bytes.length);
    if (!allowed.ok) return allowed;
    const announced = checkAddresses(row.value, cidrs, globals);
    return announced.ok ? ok({ bytes, holdings: holdingsOf(row.value) }) : announced;
  }

  #checkSequence(sequence: number): Result<void, string> {
    if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence >= LIMITS.sequence) {
      return err(`sequence must be 1 to 2^52 - 1: got ${sequence}`);
    }
    return sequence > this.#last
      ? ok(undefined)
      : err(`sequence must be greater than ${this.#last}, the last one written: got ${sequence}`);
  }

  /** Held now or once everything on its way has arrived. */
  #isHeld(key: RowKey): boolean {
    const pending = this.#pending.get(key);
    return pending === undefined ? this.#owner()?.row(key) !== undefined : pending.kind === "row";
  }

  /** What counts of a key now or once everything on its way has arrived. */
  #heldOf(key: RowKey): Holdings {
    const stored = this.#owner()?.row(key);
    return (
      this.#pending.get(key)?.holdings ??
      (stored === undefined ? NO_HOLDINGS : holdingsOfStored(key, stored))
    );
  }

  #heldCount(): number {
    const owner = this.#owner();
    const size = owner?.size ?? 0;
    if (size + this.#pending.size < this.#rowsMax) return size;
    let count = size;
    for (const [key, { kind }] of this.#pending) {
      const isThere = owner?.row(key) !== undefined;
      if (kind === "row" && !isThere) count++;
      if (kind === "delete" && isThere) count--;
    }
    return count;
  }

  #owner(): ReturnType<TableView["owner"]> {
    const owner = this.#table.owner(this.#cluster);
    return owner?.incarnation === this.#incarnation ? owner : undefined;
  }

  #track(sequence: number, bytes: number, key?: RowKey): void {
    this.#unstored.push({ sequence, bytes, key });
    this.#unstoredBytes += bytes;
  }
}

function checkAddresses(
  row: Row,
  cidrs: AnnouncedCidrs,
  globals: GlobalBlock,
): Result<void, string> {
  if (row.kind === "network") return checkGlobals(row, globals);
  return row.kind === "endpoints" ? checkAnnounced(row, cidrs) : ok(undefined);
}

function refuse(sequence: number, key: string, reason: string): Verdict {
  return { records: [], refusal: { sequence, key, reason, forRoom: false } };
}

/** The row may be stored once others have gone. */
function forRoom(verdict: Verdict): Verdict {
  return verdict.refusal === undefined
    ? verdict
    : { ...verdict, refusal: { ...verdict.refusal, forRoom: true } };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

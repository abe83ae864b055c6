import type { LogPart } from "../../../api/broker/store.gen.ts";
import type { TableView } from "../../core/broker-table.ts";
import type { OwnerView } from "../../core/owner-rows.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import type { ClusterLog } from "./cluster-log.ts";

/** What a log's entries can be replaced with. */
export interface CompactionPlan {
  /** Parts that stay as they are, first. */
  readonly kept: readonly LogPart[];
  /** To be written after them. */
  readonly added: readonly PlannedPart[];
}

export interface PlannedPart {
  readonly records: readonly StoreRecord[];
  readonly incarnation: number;
  readonly sequence: number;
}

/** Beside keys and versions. */
const RECORD_BYTES = 64;

/**
 * Folds a log's entries, and those parts at its end that they outgrow, into parts of `partBytes` each. Sizes of parts
 * so grow geometrically: each row is rewritten a logarithmic number of times.
 */
export function planCompaction(
  log: ClusterLog,
  table: TableView,
  partBytes: number,
): CompactionPlan {
  const owner = table.owner(log.cluster);
  const kept = keptParts(log, owner);
  const since = kept.at(-1)?.sequence ?? -1;
  const parts = new PartCollector(owner?.incarnation ?? 0, Math.max(0, since), partBytes);
  const departed = table.departed(log.cluster);
  if (departed !== undefined) {
    parts.add({ kind: "gone", cluster: log.cluster, incarnation: departed });
  }
  const member = table.member(log.cluster);
  if (member !== undefined) parts.add({ kind: "member", member });
  if (owner !== undefined) {
    for (const record of recordsSince(owner, since)) parts.add(record);
  }
  return { kept, added: parts.finish() };
}

/** Parts can stay if everything that changed since them is still known, deletions included. */
function keptParts(log: ClusterLog, owner: OwnerView | undefined): LogPart[] {
  const last = log.parts.at(-1);
  if (owner === undefined || last?.incarnation !== owner.incarnation) return [];
  const kept = [...log.parts];
  let merged = log.tailBytes;
  for (let part = kept.at(-1); part !== undefined && part.bytes < 2 * merged; part = kept.at(-1)) {
    merged += part.bytes;
    kept.pop();
  }
  return (kept.at(-1)?.sequence ?? -1) >= owner.trimmedSequence ? kept : [];
}

function* recordsSince(owner: OwnerView, since: number): IterableIterator<StoreRecord> {
  const { cluster, incarnation } = owner;
  for (const key of owner.keysSince(since)) {
    const row = owner.row(key);
    const sequence = owner.tombstone(key);
    if (row !== undefined) {
      yield { kind: "row", cluster, incarnation, key, sequence: row.sequence, bytes: row.bytes };
    } else if (sequence !== undefined) {
      const restricted = owner.isRestricted(key) ? ({ restricted: true } as const) : {};
      yield { kind: "delete", cluster, incarnation, key, sequence, ...restricted };
    }
  }
  const { sequence, isComplete: complete, trimmedSequence } = owner;
  yield { kind: "owner", cluster, incarnation, sequence, complete, trimmedSequence };
}

class PartCollector {
  readonly #incarnation: number;
  readonly #partBytes: number;
  readonly #parts: PlannedPart[] = [];
  #records: StoreRecord[] = [];
  #bytes = 0;
  #sequence: number;

  constructor(incarnation: number, sequence: number, partBytes: number) {
    this.#incarnation = incarnation;
    this.#sequence = sequence;
    this.#partBytes = partBytes;
  }

  add(record: StoreRecord): void {
    const bytes = recordBytes(record);
    if (this.#records.length > 0 && this.#bytes + bytes > this.#partBytes) this.#close();
    this.#records.push(record);
    this.#bytes += bytes;
    if ("sequence" in record) this.#sequence = Math.max(this.#sequence, record.sequence);
  }

  finish(): readonly PlannedPart[] {
    if (this.#records.length > 0) this.#close();
    return this.#parts;
  }

  #close(): void {
    const { sequence, incarnation } = { sequence: this.#sequence, incarnation: this.#incarnation };
    this.#parts.push({ records: this.#records, incarnation, sequence });
    this.#records = [];
    this.#bytes = 0;
  }
}

/** Roughly what a record takes when encoded. */
export function recordBytes(record: StoreRecord): number {
  if (record.kind === "row") return record.bytes.length + record.key.length + RECORD_BYTES;
  return record.kind === "delete" ? record.key.length + RECORD_BYTES : 2 * RECORD_BYTES;
}

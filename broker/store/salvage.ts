import type { StoreRecord } from "../core/store-record.ts";

/**
 * What may be used of records that are not the last state, of a damaged log or a backup: rows spare their owners sending them again, but no owner is complete:
 * members keep what they know of each until that owner has confirmed its rows (I7).
 */
export function salvage(records: readonly StoreRecord[]): readonly StoreRecord[] {
  return records
    .filter(({ kind }) => kind !== "complete")
    .map((record) => (record.kind === "owner" ? { ...record, complete: false } : record));
}

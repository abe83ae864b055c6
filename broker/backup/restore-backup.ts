import { err, ok, type Result } from "../../api/result.ts";
import type { StoreRecord } from "../core/store-record.ts";
import type { BrokerPlace } from "../place/broker-place.ts";
import { salvage } from "../store/salvage.ts";
import type { Store } from "../store/store.ts";
import type { Backup } from "./backup-file.ts";

/** Records appended at once. */
const BATCH = 500;

/**
 * Puts a backup into an empty place, under a new epoch: what was acknowledged after it was taken is missing, so no
 * owner is complete and every member sends its rows again. Error: the place is not empty, or cannot be written.
 */
export async function restoreBackup(
  place: BrokerPlace,
  backup: Backup,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  const empty = await checkEmpty(place);
  if (!empty.ok) return empty;
  const opened = await place.openStore(signal);
  if (!opened.ok) return opened;
  const restored = await appendAll(opened.value, salvage(backup.records));
  await opened.value.close();
  if (!restored.ok) return restored;
  // Last: a broker that finds an authority finds everything.
  for (const { key, text } of backup.shared) {
    const created = await place.records.create(key, text);
    if (!created.ok) return created;
  }
  return ok(undefined);
}

async function checkEmpty(place: BrokerPlace): Promise<Result<void, string>> {
  const shared = await place.records.all();
  if (!shared.ok) return shared;
  const table = await place.peekTable();
  if (!table.ok) return table;
  const { value: rows } = table;
  const isEmpty =
    shared.value.length === 0 && rows.members().length === 0 && rows.departures().size === 0;
  return isEmpty && rows.rowCount() === 0
    ? ok(undefined)
    : err(`cannot restore: ${place.name} must be empty: it holds a broker's data`);
}

async function appendAll(
  store: Store,
  records: readonly StoreRecord[],
): Promise<Result<void, string>> {
  for (let at = 0; at < records.length; at += BATCH) {
    const appended = await store.append(records.slice(at, at + BATCH));
    if (!appended.ok) return err(appended.error.text);
  }
  return ok(undefined);
}

import { err, ok, type Result } from "../../api/result.ts";
import type { BrokerPlace } from "../place/broker-place.ts";
import type { Backup } from "./backup-file.ts";

/** The ledger of a data directory: what it says is among the records. */
const LEDGER_KEY = "departures";

/**
 * Takes a backup beside running brokers. Secrets first: a member that joins meanwhile is in the records with a
 * certificate of an authority that is in the backup. Error: the place cannot be read, or no broker was ever started there.
 */
export async function makeBackup(
  place: Pick<BrokerPlace, "name" | "records" | "peekTable">,
): Promise<Result<Backup, string>> {
  const shared = await place.records.all();
  if (!shared.ok) return shared;
  if (shared.value.length === 0) {
    return err(`no broker data in ${place.name}: there is nothing to back up`);
  }
  const table = await place.peekTable();
  if (!table.ok) return table;
  return ok({
    records: [...table.value.snapshot()],
    shared: shared.value.flatMap(({ key, text }) => (key === LEDGER_KEY ? [] : { key, text })),
  });
}

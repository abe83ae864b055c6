import { err, ok, type Result } from "../../../api/result.ts";
import { BrokerTable, type TableView } from "../../core/broker-table.ts";
import { logGeneration, logName } from "./log-writer.ts";
import { recoverLog } from "./recover-log.ts";
import type { StoreFolder } from "./store-folder.ts";

/**
 * Who is a member, and who left, read beside a running broker: nothing is locked or changed. A snapshot: a join that is under way
 * may not show, so whoever hands out a cluster id checks again under the store's own order.
 */
export async function peekTable(
  folder: Pick<StoreFolder, "list" | "read">,
): Promise<Result<TableView, string>> {
  try {
    const table = new BrokerTable();
    const generations = (await folder.list()).flatMap((name) => logGeneration(name) ?? []);
    if (generations.length === 0) return ok(table);
    const name = logName(Math.max(...generations));
    const recovered = recoverLog(await folder.read(name));
    if (!recovered.ok) return err(`cannot read members: ${name}: ${recovered.error}`);
    for (const record of recovered.value.records) table.apply(record);
    return ok(table);
  } catch (error) {
    return err(`cannot read members: ${error instanceof Error ? error.message : String(error)}`);
  }
}

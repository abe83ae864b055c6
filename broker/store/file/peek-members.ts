import { err, ok, type Result } from "../../../api/result.ts";
import { BrokerTable } from "../../core/broker-table.ts";
import type { MemberRecord } from "../../core/member-record.ts";
import { logGeneration, logName } from "./log-writer.ts";
import { recoverLog } from "./recover-log.ts";
import type { StoreFolder } from "./store-folder.ts";

/**
 * Who is a member, read beside a running broker: nothing is locked or changed. A snapshot: a join that is under way
 * may not show, so whoever hands out a cluster id checks again under the store's own order.
 */
export async function peekMembers(
  folder: Pick<StoreFolder, "list" | "read">,
): Promise<Result<readonly MemberRecord[], string>> {
  try {
    const generations = (await folder.list()).flatMap((name) => logGeneration(name) ?? []);
    if (generations.length === 0) return ok([]);
    const name = logName(Math.max(...generations));
    const recovered = recoverLog(await folder.read(name));
    if (!recovered.ok) return err(`cannot read members: ${name}: ${recovered.error}`);
    const table = new BrokerTable();
    for (const record of recovered.value.records) table.apply(record);
    return ok(table.members());
  } catch (error) {
    return err(`cannot read members: ${error instanceof Error ? error.message : String(error)}`);
  }
}

import { randomUUID } from "node:crypto";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { BrokerTable } from "../../core/broker-table.ts";
import { salvage } from "../salvage.ts";
import { LogWriter, logGeneration, logName } from "./log-writer.ts";
import { encodeRecords } from "./record-codec.ts";
import { recoverLog } from "./recover-log.ts";
import type { StoreFolder } from "./store-folder.ts";

export interface OpenedLog {
  readonly epoch: string;
  readonly table: BrokerTable;
  readonly writer: LogWriter;
}

/**
 * Reads the newest log of a folder into a table and continues it; begins one, with a new epoch, when there
 * is none or it is damaged. Error: a log of an unknown format. Throws what the folder throws.
 */
export async function openLog(
  folder: StoreFolder,
  log: Logger,
): Promise<Result<OpenedLog, string>> {
  const names = await folder.list();
  const generations = names.flatMap((name) => logGeneration(name) ?? []).sort((a, b) => b - a);
  const [newest] = generations;
  if (newest === undefined) return ok(await begin(folder, 1, new BrokerTable()));
  const bytes = await folder.read(logName(newest));
  const recovered = recoverLog(bytes);
  if (!recovered.ok) return err(`cannot open store: ${logName(newest)}: ${recovered.error}`);
  const table = new BrokerTable();
  const isDamaged = recovered.value.kind === "damaged";
  const records = isDamaged ? salvage(recovered.value.records) : recovered.value.records;
  for (const record of records) table.apply(record);
  let opened: OpenedLog;
  if (recovered.value.kind === "damaged") {
    const keptAs = `damaged-${logName(newest)}`;
    await folder.rename(logName(newest), keptAs);
    opened = await begin(folder, newest + 1, table);
    const { atByte } = recovered.value;
    const salvaged = { salvagedRecords: records.length, members: table.members().length };
    log.error("store damaged: began a new epoch, owners will send their rows again", {
      file: keptAs,
      atByte,
      ofBytes: bytes.length,
      ...salvaged,
    });
  } else {
    const { epoch, salt, wholeBytes } = recovered.value;
    const torn = bytes.length - wholeBytes;
    if (torn > 0) log.warn("torn write at the end of the store cut off", { bytes: torn });
    const writer = await LogWriter.resume(folder, { generation: newest, salt, wholeBytes });
    opened = { epoch, table, writer };
  }
  await removeLeftovers(folder, opened.writer.generation);
  return ok(opened);
}

async function begin(
  folder: StoreFolder,
  generation: number,
  table: BrokerTable,
): Promise<OpenedLog> {
  const epoch = randomUUID();
  const payloads = encodeRecords(table.snapshot());
  const prepared = await LogWriter.prepare(folder, generation, epoch, payloads);
  return { epoch, table, writer: await prepared.publish() };
}

/** Logs that a newer one replaced, and files that never became one. */
export async function removeLeftovers(folder: StoreFolder, generation: number): Promise<void> {
  for (const name of await folder.list()) {
    const isOld = (logGeneration(name) ?? generation) < generation;
    if (isOld || /^log-\d+\.tmp$/.test(name)) await folder.remove(name);
  }
}

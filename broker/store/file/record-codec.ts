import { LogRecord } from "../../../api/broker/store.gen.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import { parseRecordMessage, toRecordMessage } from "../record-message.ts";

/** The first record of a file. */
export interface LogHeader {
  readonly kind: "header";
  readonly epoch: string;
  readonly salt: number;
}

const FORMAT_VERSION = 1;

export function encodeHeader(epoch: string, salt: number): Uint8Array {
  const value = { formatVersion: FORMAT_VERSION, epoch, salt };
  return LogRecord.encode({ record: { $case: "header", value } }).finish();
}

export function encodeRecord(record: StoreRecord): Uint8Array {
  return LogRecord.encode(toRecordMessage(record)).finish();
}

export function* encodeRecords(records: Iterable<StoreRecord>): IterableIterator<Uint8Array> {
  for (const record of records) yield encodeRecord(record);
}

/** Reads what encodeHeader and encodeRecord wrote; the checksum around it has been verified. */
export function decodeRecord(bytes: Uint8Array): Result<StoreRecord | LogHeader, string> {
  let message: LogRecord["record"];
  try {
    message = LogRecord.decode(bytes).record;
  } catch (cause) {
    return err(`record must be a LogRecord: ${cause instanceof Error ? cause.message : ""}`);
  }
  if (message === undefined) return err("record must be of a known kind: got another");
  if (message.$case !== "header") return parseRecordMessage(message);
  const { formatVersion, epoch, salt } = message.value;
  return formatVersion === FORMAT_VERSION
    ? ok({ kind: "header", epoch, salt })
    : err(`format version must be ${FORMAT_VERSION}: got ${formatVersion}`);
}

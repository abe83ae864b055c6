import {
  LogEntry as EntryMessage,
  LogHead as HeadMessage,
  type LogPart,
  type LogRecord,
  LogRecords,
} from "../../../api/broker/store.gen.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import { parseRecordMessage, toRecordMessage } from "../record-message.ts";

/** One step of a cluster's log: written once, at the next index, by whoever was first. */
export interface LogEntry {
  readonly id: string;
  readonly session: string;
  readonly opensSession: boolean;
  readonly records: readonly StoreRecord[];
}

export interface LogHead {
  readonly start: number;
  readonly session: string;
  readonly parts: readonly LogPart[];
}

export function encodeEntry({ id, session, opensSession, records }: LogEntry): Uint8Array {
  return EntryMessage.encode({
    id,
    session,
    opensSession,
    records: records.map(toRecordMessage),
  }).finish();
}

export function decodeEntry(bytes: Uint8Array): Result<LogEntry, string> {
  return decoded("log entry", () => {
    const { records, ...rest } = EntryMessage.decode(bytes);
    const parsed = parseRecords(records);
    return parsed.ok ? ok({ ...rest, records: parsed.value }) : parsed;
  });
}

export function encodeHead(head: LogHead): Uint8Array {
  return HeadMessage.encode({ ...head, parts: [...head.parts] }).finish();
}

export function decodeHead(bytes: Uint8Array): Result<LogHead, string> {
  return decoded("log head", () => ok(HeadMessage.decode(bytes)));
}

export function encodePart(records: readonly StoreRecord[]): Uint8Array {
  return LogRecords.encode({ records: records.map(toRecordMessage) }).finish();
}

export function decodePart(bytes: Uint8Array): Result<readonly StoreRecord[], string> {
  return decoded("log part", () => parseRecords(LogRecords.decode(bytes).records));
}

function decoded<T>(what: string, decode: () => Result<T, string>): Result<T, string> {
  try {
    const result = decode();
    return result.ok ? result : err(`${what}: ${result.error}`);
  } catch (cause) {
    return err(`${what} must be one: ${cause instanceof Error ? cause.message : "not decodable"}`);
  }
}

function parseRecords(messages: readonly LogRecord[]): Result<readonly StoreRecord[], string> {
  const records: StoreRecord[] = [];
  for (const { record } of messages) {
    if (record === undefined || record.$case === "header") {
      return err(`record must be of a known kind: got ${record?.$case ?? "another"}`);
    }
    const parsed = parseRecordMessage(record);
    if (!parsed.ok) return parsed;
    records.push(parsed.value);
  }
  return ok(records);
}

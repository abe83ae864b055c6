import { createHash } from "node:crypto";
import { z } from "zod";
import { LogRecord } from "../../api/broker/store.gen.ts";
import { parseJson } from "../../api/json.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { parseRecordMessage, toRecordMessage } from "../store/record-message.ts";

/** All that a broker must not lose, at one moment. */
export interface Backup {
  /** In an order in which they can be applied. */
  readonly records: readonly StoreRecord[];
  /** The authority, tokens and the like: secrets. */
  readonly shared: readonly { readonly key: string; readonly text: string }[];
}

const FORMAT = "isthmus-broker-backup";
const VERSION = 1;
const headLine = z.object({ format: z.literal(FORMAT), version: z.literal(VERSION) });
const itemLine = z.union([
  z.strictObject({ record: z.base64() }),
  z.strictObject({ key: z.string(), text: z.string() }),
]);
const endLine = z.strictObject({ sha256: z.string() });

/** A line of JSON each; the last one is the digest of all before, so that a cut or changed file is noticed. */
export function formatBackup({ records, shared }: Backup): string {
  const lines = [JSON.stringify({ format: FORMAT, version: VERSION })];
  for (const { key, text } of shared) lines.push(JSON.stringify({ key, text }));
  for (const record of records) {
    const bytes = LogRecord.encode(toRecordMessage(record)).finish();
    lines.push(JSON.stringify({ record: Buffer.from(bytes).toString("base64") }));
  }
  const body = `${lines.join("\n")}\n`;
  return `${body}${JSON.stringify({ sha256: digestOf(body) })}\n`;
}

/** Error: not a backup, of another version, cut or changed. Never quotes the file: it holds secrets. */
export function parseBackup(text: string): Result<Backup, string> {
  const [first = "", ...rest] = text.trimEnd().split("\n");
  if (!headLine.safeParse(parseJson(first)).success) {
    return err(`backup must begin with format ${FORMAT}, version ${VERSION}: it does not`);
  }
  const end = endLine.safeParse(parseJson(rest.pop() ?? ""));
  const body = `${[first, ...rest].join("\n")}\n`;
  if (!end.success || end.data.sha256 !== digestOf(body)) {
    return err("backup must be whole: its end does not agree with what is before it");
  }
  const records: StoreRecord[] = [];
  const shared: { key: string; text: string }[] = [];
  for (const [at, line] of rest.entries()) {
    const item = itemLine.safeParse(parseJson(line));
    if (!item.success) return err(`backup line ${at + 2} must be a record: it is not`);
    if ("key" in item.data) {
      shared.push(item.data);
      continue;
    }
    const record = parseRecord(Buffer.from(item.data.record, "base64"));
    if (!record.ok) return err(`backup line ${at + 2}: ${record.error}`);
    records.push(record.value);
  }
  return ok({ records, shared });
}

function parseRecord(bytes: Uint8Array): Result<StoreRecord, string> {
  try {
    const { record } = LogRecord.decode(bytes);
    return record === undefined || record.$case === "header"
      ? err("record must be of a known kind")
      : parseRecordMessage(record);
  } catch (cause) {
    return err(`record must be a LogRecord: ${cause instanceof Error ? cause.message : ""}`);
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

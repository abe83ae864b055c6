import { LogRecord } from "../../../api/broker/store.gen.ts";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { assertNever } from "../../../api/invariant.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import { parseRowKey } from "../../wire/parse-row-key.ts";

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
  return LogRecord.encode({ record: toMessage(record) }).finish();
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
  if (message.$case !== "header") return fromMessage(message);
  const { formatVersion, epoch, salt } = message.value;
  return formatVersion === FORMAT_VERSION
    ? ok({ kind: "header", epoch, salt })
    : err(`format version must be ${FORMAT_VERSION}: got ${formatVersion}`);
}

type Message = NonNullable<LogRecord["record"]>;

function toMessage(record: StoreRecord): Message {
  switch (record.kind) {
    case "row": {
      const { cluster: clusterId, incarnation, sequence, key, bytes: row } = record;
      return { $case: "row", value: { clusterId, incarnation, sequence, key, row } };
    }
    case "delete": {
      const { cluster: clusterId, incarnation, sequence, key } = record;
      return { $case: "delete", value: { clusterId, incarnation, sequence, key } };
    }
    case "complete":
    case "gone": {
      const { cluster: clusterId, incarnation } = record;
      return { $case: record.kind, value: { clusterId, incarnation } };
    }
    case "member": {
      const { cluster: clusterId, ...rest } = record.member;
      return { $case: "member", value: { clusterId, ...rest } };
    }
    case "owner": {
      const { cluster: clusterId, kind: _, ...rest } = record;
      return { $case: "owner", value: { clusterId, ...rest } };
    }
    default:
      return assertNever(record);
  }
}

function fromMessage(message: Exclude<Message, { $case: "header" }>): Result<StoreRecord, string> {
  const parsed = parseClusterId(message.value.clusterId);
  if (!parsed.ok) return parsed;
  const cluster: ClusterId = parsed.value;
  const { incarnation } = message.value;
  switch (message.$case) {
    case "row":
    case "delete": {
      const key = parseRowKey(message.value.key);
      if (!key.ok) return key;
      const { sequence } = message.value;
      const base = { cluster, incarnation, sequence, key: key.value };
      return message.$case === "row"
        ? // A copy: the decoder gives a view, which would keep the whole log in memory.
          ok({ kind: "row", ...base, bytes: new Uint8Array(message.value.row) })
        : ok({ kind: "delete", ...base });
    }
    case "complete":
    case "gone":
      return ok({ kind: message.$case, cluster, incarnation });
    case "member": {
      const { joinedAtMs, certificateSerial } = message.value;
      return ok({
        kind: "member",
        member: { cluster, incarnation, joinedAtMs, certificateSerial },
      });
    }
    case "owner": {
      const { sequence, complete, trimmedSequence } = message.value;
      return ok({ kind: "owner", cluster, incarnation, sequence, complete, trimmedSequence });
    }
    default:
      return assertNever(message);
  }
}

import type { LogRecord } from "../../api/broker/store.gen.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { ok, type Result } from "../../api/result.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { parseRowKey } from "../wire/parse-row-key.ts";

type Message = NonNullable<LogRecord["record"]>;

/** As it is written, wherever that is. */
export function toRecordMessage(record: StoreRecord): LogRecord {
  return { record: toMessage(record) };
}

function toMessage(record: StoreRecord): Message {
  switch (record.kind) {
    case "row": {
      const { cluster: clusterId, incarnation, sequence, key, bytes: row } = record;
      return { $case: "row", value: { clusterId, incarnation, sequence, key, row } };
    }
    case "delete": {
      const { cluster: clusterId, incarnation, sequence, key, restricted = false } = record;
      return { $case: "delete", value: { clusterId, incarnation, sequence, key, restricted } };
    }
    case "complete":
    case "gone": {
      const { cluster: clusterId, incarnation } = record;
      return { $case: record.kind, value: { clusterId, incarnation } };
    }
    case "member": {
      const {
        cluster: clusterId,
        certificateExpiresAtMs = 0,
        frozenAtMs = 0,
        ...rest
      } = record.member;
      const value = { clusterId, certificateExpiresAtMs, frozenAtMs, ...rest };
      return { $case: "member", value };
    }
    case "owner": {
      const { cluster: clusterId, kind: _, ...rest } = record;
      return { $case: "owner", value: { clusterId, ...rest } };
    }
    default:
      return assertNever(record);
  }
}

/** Reads what toRecordMessage made. Error: a name in it is none. */
export function parseRecordMessage(
  message: Exclude<Message, { $case: "header" }>,
): Result<StoreRecord, string> {
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
        : ok({
            kind: "delete",
            ...base,
            ...(message.value.restricted ? { restricted: true } : {}),
          });
    }
    case "complete":
    case "gone":
      return ok({ kind: message.$case, cluster, incarnation });
    case "member": {
      const { joinedAtMs, certificateSerial, certificateExpiresAtMs, frozenAtMs } = message.value;
      const member = {
        cluster,
        incarnation,
        joinedAtMs,
        certificateSerial,
        ...(certificateExpiresAtMs === 0 ? {} : { certificateExpiresAtMs }),
        ...(frozenAtMs === 0 ? {} : { frozenAtMs }),
      };
      return ok({ kind: "member", member });
    }
    case "owner": {
      const { sequence, complete, trimmedSequence } = message.value;
      return ok({ kind: "owner", cluster, incarnation, sequence, complete, trimmedSequence });
    }
    default:
      return assertNever(message);
  }
}

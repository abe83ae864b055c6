import { err, ok, type Result } from "../../../api/result.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import { frameAt, frameBytes, scanFrames } from "./log-frame.ts";
import { decodeRecord } from "./record-codec.ts";

/** What a log file tells. */
export type RecoveredLog =
  | {
      readonly kind: "whole";
      readonly epoch: string;
      readonly salt: number;
      readonly records: readonly StoreRecord[];
      /** Bytes after the last whole record are a write that a crash tore: it was never acknowledged. */
      readonly wholeBytes: number;
    }
  /** Records are missing in the middle: what is left is not a state that ever was. */
  | {
      readonly kind: "damaged";
      readonly atByte: number;
      readonly records: readonly StoreRecord[];
    };

/** Reads a log. Error: it is of a format this broker does not know; nothing may be changed. */
export function recoverLog(bytes: Uint8Array): Result<RecoveredLog, string> {
  const first = frameAt(bytes, 0, 0);
  // A file gets its name only when it is whole: without a header it has been damaged.
  if (first === undefined) return ok({ kind: "damaged", atByte: 0, records: [] });
  const header = decodeRecord(first);
  if (!header.ok) return header;
  if (header.value.kind !== "header") {
    return err(`first record must be a header: got ${header.value.kind}`);
  }
  const { epoch, salt } = header.value;
  const { payloads, wholeBytes, isDamaged } = scanFrames(bytes, frameBytes(first), salt);
  const records: StoreRecord[] = [];
  for (const payload of payloads) {
    const record = decodeRecord(payload);
    if (!record.ok) return record;
    if (record.value.kind === "header") return err("header must be the first record: got another");
    records.push(record.value);
  }
  return isDamaged
    ? ok({ kind: "damaged", atByte: wholeBytes, records })
    : ok({ kind: "whole", epoch, salt, records, wholeBytes });
}

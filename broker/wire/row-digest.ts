import { createHash } from "node:crypto";
import type { Row } from "../../api/broker/row.ts";
import { encodeRowBytes } from "./encode-row.ts";

/** SHA-256 over the canonical encoding: equal exactly when two rows of one owner are (OwnRow.digest). */
export function rowDigest(row: Row): Uint8Array {
  return digestOfBytes(encodeRowBytes(row));
}

export function digestOfBytes(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const SCHEMA = new URL("../../../api/broker/broker.proto", import.meta.url);

let fingerprint: Uint8Array | undefined;

/**
 * SHA-256 of the protocol as this software knows it. What another version made of the same messages may be less than they
 * held: it skips fields and kinds of rows that it does not know.
 */
export function schemaFingerprint(): Uint8Array {
  fingerprint ??= createHash("sha256").update(readFileSync(SCHEMA)).digest();
  return fingerprint;
}

import { createHash } from "node:crypto";
import type { RowKey } from "../../api/broker/row.ts";

/** Equal exactly when two lists of own rows are, whatever their order (Hello.own_digest). */
export function ownListDigest(rows: Iterable<readonly [RowKey, Uint8Array]>): Uint8Array {
  const hash = createHash("sha256");
  const sorted = [...rows].sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [key, digest] of sorted) hash.update(`${key}\0`).update(digest);
  return hash.digest();
}

import type { RowKey } from "../../api/broker/row.ts";
import type { OwnerView } from "../core/owner-rows.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { decodeRowBytes } from "../wire/decode-row.ts";
import { checkHoldings, checkRow, type Holdings, NO_HOLDINGS, plus } from "./check-row.ts";
import type { ClusterPolicy } from "./cluster-policy.ts";
import { holdingsOfStored } from "./owner-holdings.ts";

interface Candidate {
  readonly key: RowKey;
  readonly holdings: Holdings;
  /** Of an export: the oldest are kept when there are too many. */
  readonly createdAtMs: number;
}

/**
 * What of an owner's stored rows its policy no longer allows, as deletions that follow its last write: they are withdrawn
 * from everybody. Of too many the oldest exports stay, and endpoints in the order of their keys. For an owner that has no
 * stream: its next one begins after these sequences, sends what is missing again, and is told why it is refused.
 */
export function withdrawals(owner: OwnerView, policy: ClusterPolicy): readonly StoreRecord[] {
  const { cluster, incarnation } = owner;
  const candidates: Candidate[] = [];
  const doomed: RowKey[] = [];
  for (const [key, stored] of owner.rows()) {
    const row = decodeRowBytes(cluster, stored.bytes);
    // One that an older broker took and this one cannot read is nobody's loss: members could not read it either.
    if (!row.ok || !checkRow(policy, row.value, stored.bytes.length).ok) {
      doomed.push(key);
      continue;
    }
    const createdAtMs = row.value.kind === "export" ? row.value.createdAtMs : 0;
    candidates.push({ key, holdings: holdingsOfStored(key, stored), createdAtMs });
  }
  let held = NO_HOLDINGS;
  for (const { key, holdings } of candidates.toSorted(byAge)) {
    const after = plus(held, holdings);
    if (checkHoldings(policy, held, after).ok) held = after;
    else doomed.push(key);
  }
  return doomed.map((key, index) => ({
    kind: "delete",
    cluster,
    incarnation,
    sequence: owner.sequence + index + 1,
    key,
  }));
}

function byAge(a: Candidate, b: Candidate): number {
  return a.createdAtMs - b.createdAtMs || (a.key < b.key ? -1 : 1);
}

import type { StoreRecord } from "../../core/store-record.ts";
import type { SpaceAbout } from "../space/space.ts";

/** Rows named in a summary; the others are counted. */
const NAMED = 3;

/** What people see of an item beside its data. */
export function summarize(
  kind: string,
  cluster: string,
  records: readonly StoreRecord[],
): SpaceAbout {
  const said: string[] = [];
  let unsaid = 0;
  let sequence = 0;
  for (const record of records) {
    if ("sequence" in record) sequence = Math.max(sequence, record.sequence);
    if (record.kind === "owner") continue;
    if (said.length < NAMED) said.push(wordsFor(record));
    else unsaid += 1;
  }
  const summary = unsaid === 0 ? said.join(" ") : `${said.join(" ")} (+${unsaid})`;
  return { kind, cluster, summary, ...(sequence > 0 && { sequence }) };
}

function wordsFor(record: StoreRecord): string {
  if (record.kind === "row") return record.key;
  if (record.kind === "delete") return `-${record.key}`;
  const { incarnation } = record.kind === "member" ? record.member : record;
  return `${record.kind}/${incarnation}`;
}

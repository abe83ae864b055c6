import type { ClusterId } from "../../api/cluster-id.ts";
import type { TableView } from "../core/broker-table.ts";
import type { MemberRecord } from "../core/member-record.ts";
import { type BlockBook, blockOf } from "../globals/block-book.ts";
import type { Activity } from "../server/member-activity.ts";
import type { MemberReport } from "./admin-api.ts";

interface Sources {
  readonly table: Pick<TableView, "members" | "owner">;
  /** What the broker that is asked has seen. */
  readonly activity: (cluster: ClusterId) => Activity;
  /** Undefined: some replica has a stream of it. */
  readonly silentMs: (cluster: ClusterId) => number | undefined;
  /** Members with a stream to another replica. */
  readonly elsewhere: ReadonlyMap<ClusterId, unknown>;
  readonly globals: BlockBook;
}

/** Every member, by name, with what is known of it. */
export function listMembers({
  table,
  activity,
  silentMs,
  elsewhere,
  globals,
}: Sources): readonly MemberReport[] {
  return table
    .members()
    .toSorted((a, b) => (a.cluster < b.cluster ? -1 : 1))
    .map((member) => {
      const seen = activity(member.cluster);
      const sinceMs = seen.connectedAtMs ?? seen.seenAtMs;
      const { certificateExpiresAtMs } = member;
      const silent = silentMs(member.cluster);
      return {
        cluster: member.cluster,
        incarnation: member.incarnation,
        state: stateOf(member, seen, elsewhere.has(member.cluster)),
        joinedAt: iso(member.joinedAtMs),
        ...(certificateExpiresAtMs === undefined
          ? {}
          : { certificateExpiresAt: iso(certificateExpiresAtMs) }),
        ...(sinceMs === undefined ? {} : { since: iso(sinceMs) }),
        ...(silent === undefined ? {} : { silentSeconds: Math.floor(silent / 1000) }),
        rows: countRows(table, member.cluster),
        globals: [...blockOf(globals, member.cluster)],
        refusedWrites: seen.refusedWrites,
      };
    });
}

function stateOf(
  { frozenAtMs }: MemberRecord,
  { connectedAtMs }: Activity,
  isElsewhere: boolean,
): MemberReport["state"] {
  if (frozenAtMs !== undefined) return "revoked";
  if (connectedAtMs !== undefined) return "connected";
  return isElsewhere ? "elsewhere" : "disconnected";
}

function countRows(table: Sources["table"], cluster: ClusterId): MemberReport["rows"] {
  let exports = 0;
  let endpoints = 0;
  for (const [key] of table.owner(cluster)?.rows() ?? []) {
    if (key.startsWith("export/")) exports += 1;
    else if (key.startsWith("endpoints/")) endpoints += 1;
  }
  return { exports, endpoints };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

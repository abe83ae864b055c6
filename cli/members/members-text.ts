import type { MemberReport, MembersAnswer } from "../../broker/admin/admin-api.ts";

const HEADER = [
  "CLUSTER",
  "STATE",
  "SINCE",
  "EXPORTS",
  "ENDPOINTS",
  "REFUSED",
  "CERTIFICATE UNTIL",
  "JOINED",
  "INCARNATION",
] as const;

/** The members as a table for people, a line each. */
export function membersText({ clusterset, members }: MembersAnswer): string {
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  const title = `clusterset ${clusterset}: ${count}`;
  if (members.length === 0) return title;
  const rows = [HEADER, ...members.map(cellsOf)];
  const widths = HEADER.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [title, ...lines].join("\n");
}

function cellsOf(member: MemberReport): readonly string[] {
  return [
    member.cluster,
    member.state,
    short(member.since),
    String(member.rows.exports),
    String(member.rows.endpoints),
    String(member.refusedWrites),
    short(member.certificateExpiresAt),
    short(member.joinedAt),
    String(member.incarnation),
  ];
}

/** To the second: nobody reads more in a table. */
function short(time: string | undefined): string {
  return time === undefined ? "-" : time.replace(/\.\d+Z$/, "Z");
}

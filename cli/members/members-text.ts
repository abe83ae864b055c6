import type { MembersAnswer } from "../../broker/admin/admin-api.ts";
import { table } from "../output/table.ts";
import type { JudgedMember } from "./judge-members.ts";
import { shortAge } from "./short-age.ts";

const HEADER = [
  "CLUSTER",
  "STATE",
  "LIVENESS",
  "SINCE",
  "EXPORTS",
  "ENDPOINTS",
  "REFUSED",
  "CERTIFICATE UNTIL",
  "JOINED",
  "INCARNATION",
  "GLOBAL",
] as const;

/** The members as a table for people, a line each. */
export function membersText({
  clusterset,
  members,
}: Omit<MembersAnswer, "members"> & { readonly members: readonly JudgedMember[] }): string {
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  const title = `clusterset ${clusterset}: ${count}`;
  if (members.length === 0) return title;
  return [title, ...table(HEADER, members.map(cellsOf))].join("\n");
}

function cellsOf(member: JudgedMember): readonly string[] {
  return [
    member.cluster,
    member.state,
    livenessText(member),
    short(member.since),
    String(member.rows.exports),
    String(member.rows.endpoints),
    String(member.refusedWrites),
    short(member.certificateExpiresAt),
    short(member.joinedAt),
    String(member.incarnation),
    member.globals.map(({ global }) => global).join(",") || "-",
  ];
}

/** With its age: who is suspect will be gone soon. */
function livenessText({ liveness, silentSeconds }: JudgedMember): string {
  if (liveness === undefined) return "-";
  return silentSeconds === undefined ? liveness : `${liveness} ${shortAge(silentSeconds)}`;
}

/** To the second: nobody reads more in a table. */
function short(time: string | undefined): string {
  return time === undefined ? "-" : time.replace(/\.\d+Z$/, "Z");
}

import { type Liveness, livenessOf } from "../../api/liveness.ts";
import type { MemberReport } from "../../broker/admin/admin-api.ts";

export interface JudgedMember extends MemberReport {
  /** As members judge it that keep lost clusters so long; absent: it is revoked, and nobody waits for it. */
  readonly liveness?: Liveness;
}

/** The broker says how long each has been silent; what follows from it is each member's `--stale-after`. */
export function judgeMembers(
  members: readonly MemberReport[],
  staleAfterMs: number,
): readonly JudgedMember[] {
  return members.map((member) => {
    if (member.state === "revoked") return member;
    const { silentSeconds } = member;
    const silentMs = silentSeconds === undefined ? undefined : silentSeconds * 1000;
    return { ...member, liveness: livenessOf(silentMs, staleAfterMs) };
  });
}

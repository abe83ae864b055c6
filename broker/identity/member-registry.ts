import type { ClusterId } from "../../api/cluster-id.ts";
import type { MemberRecord } from "../core/member-record.ts";
import type { Store } from "../store/store.ts";

/** Who is a member, as far as creating tokens needs to know. */
export type MemberRegistry = Pick<Store, "members">;

/** Who is a member, as far as joining needs to know. */
export interface WritableMemberRegistry extends Pick<Store, "members" | "putMember"> {
  readonly table: Pick<Store["table"], "departed">;
}

/** Says who holds a cluster id; undefined when nobody does. */
export function takenBy(
  members: readonly MemberRecord[],
  clusterId: ClusterId,
): string | undefined {
  const member = members.find((candidate) => candidate.cluster === clusterId);
  if (member === undefined) return undefined;
  const since = new Date(member.joinedAtMs).toISOString();
  return `cluster id already taken: ${clusterId} joined at ${since} (remove that member first, or create the token with replace)`;
}

/**
 * The next life of a cluster id: above those of every member, above its own that are over, and above
 * those of a store that was lost, as wall time grows (CLN-13).
 */
export function nextIncarnation(
  registry: WritableMemberRegistry,
  clusterId: ClusterId,
  nowMs: number,
): number {
  let highest = registry.table.departed(clusterId) ?? 0;
  for (const member of registry.members()) highest = Math.max(highest, member.incarnation);
  return Math.max(highest + 1, Math.floor(nowMs));
}

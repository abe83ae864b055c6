import type { ClusterId } from "../../api/cluster-id.ts";
import type { TableView } from "../core/broker-table.ts";
import type { Store } from "../store/store.ts";

/** Who is a member, as far as creating tokens needs to know. */
export interface MemberRegistry {
  readonly table: Pick<TableView, "departed" | "member" | "members" | "owner">;
}

/** Who is a member, as far as joining and renewing need to know. */
export type WritableMemberRegistry = MemberRegistry & Pick<Store, "putMember">;

/** Says who holds a cluster id; undefined when nobody does, or only one who was revoked. */
export function takenBy({ table }: MemberRegistry, clusterId: ClusterId): string | undefined {
  const member = table.member(clusterId);
  if (member === undefined || member.frozenAtMs !== undefined) return undefined;
  const since = new Date(member.joinedAtMs).toISOString();
  return `cluster id already taken: ${clusterId} joined at ${since} (revoke that member first, or create the token with replace)`;
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
  for (const member of registry.table.members()) highest = Math.max(highest, member.incarnation);
  return Math.max(highest + 1, Math.floor(nowMs));
}

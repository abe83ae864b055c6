import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { TableView } from "./broker-table.ts";

/** The life that a certificate was made for. */
export interface CertifiedLife {
  readonly cluster: ClusterId;
  readonly incarnation: number;
}

/**
 * Whether the life that a certificate was made for is the present one: a certificate outlives it when its cluster
 * joined again, left or was revoked (CLN-13). Error: which of these, with the incarnations.
 */
export function checkLife(
  table: Pick<TableView, "departed" | "member" | "owner">,
  { cluster, incarnation }: CertifiedLife,
): Result<void, string> {
  const departed = table.departed(cluster) ?? -1;
  if (incarnation <= departed) {
    return err(
      `cluster must be a member: ${cluster} left with incarnation ${departed}: certificate is of ${incarnation}`,
    );
  }
  const member = table.member(cluster);
  const current = member?.incarnation ?? table.owner(cluster)?.incarnation ?? -1;
  if (incarnation < current) {
    return err(
      `certificate must be of the current incarnation ${current} of ${cluster}: got ${incarnation}`,
    );
  }
  if (member?.frozenAtMs !== undefined && incarnation === member.incarnation) {
    const at = new Date(member.frozenAtMs).toISOString();
    return err(`cluster must not be revoked: ${cluster} was at ${at}: it must join again`);
  }
  return ok(undefined);
}

import type { ExportRow } from "../../api/broker/row.ts";
import type { IpFamily } from "../../api/kube/service.ts";

export interface MergedIpFamilies {
  /** In the order of the oldest export. */
  readonly families: readonly IpFamily[];
  /** Some cluster shares no family with the result: its backends may be unreachable (IMP-19). */
  readonly conflict: boolean;
}

/**
 * Intersects the families oldest first; a cluster that would leave nothing is skipped and raises the
 * conflict (IMP-20). Exports of older peers that carry no families do not count (VER-08).
 * @param exports in precedence order.
 */
export function mergeIpFamilies(exports: readonly ExportRow[]): MergedIpFamilies {
  let families: readonly IpFamily[] | undefined;
  let conflict = false;
  for (const row of exports) {
    if (row.ipFamilies.length === 0) continue;
    if (families === undefined) {
      families = [...new Set(row.ipFamilies)];
      continue;
    }
    const shared: readonly IpFamily[] = families.filter((family) =>
      row.ipFamilies.includes(family),
    );
    if (shared.length === 0) conflict = true;
    else families = shared;
  }
  return { families: families ?? [], conflict };
}

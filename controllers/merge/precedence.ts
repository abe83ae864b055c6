import type { ExportRow } from "../../api/broker/row.ts";

/**
 * Oldest ServiceExport first (CON-02); equal stamps, which have one-second resolution, by cluster id in
 * ascending byte order (CON-03). Total: no two rows of one service share a cluster.
 */
export function byPrecedence(rows: readonly ExportRow[]): readonly ExportRow[] {
  return rows.toSorted(
    (a, b) => a.createdAtMs - b.createdAtMs || compareBytes(a.cluster, b.cluster),
  );
}

/** Cluster ids are ASCII, so code unit order is byte order. */
function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

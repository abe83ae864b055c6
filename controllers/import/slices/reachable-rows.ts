import type { EndpointsRow, ServiceRow } from "../../../api/broker/row.ts";
import { serviceOfRow } from "../../../api/broker/row.ts";
import type { PathSelection } from "../../../connectivity/path-selection.ts";
import type { ReachableRow } from "./derive-slices.ts";

/** Peers' endpoints as local clients must dial them; what no path leads to is left out. */
export function reachableRows(
  rows: readonly ServiceRow[],
  paths: Pick<PathSelection, "reach">,
): readonly ReachableRow[] {
  return rows
    .filter((row): row is EndpointsRow => row.kind === "endpoints")
    .flatMap((row) => {
      const reached = paths.reach(row.cluster, serviceOfRow(row), row);
      return reached === undefined ? [] : [{ ...row, ...reached }];
    });
}

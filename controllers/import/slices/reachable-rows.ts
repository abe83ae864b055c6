import type { EndpointsRow, Row } from "../../../api/broker/row.ts";
import type { Backend } from "../../../connectivity/backend.ts";
import type { ReachableRow } from "./derive-slices.ts";

/** Peers' endpoints as local clients must dial them; what cannot be reached over the backend is left out. */
export function reachableRows(
  rows: readonly Row[],
  backend: Pick<Backend, "reach">,
): readonly ReachableRow[] {
  return rows
    .filter((row): row is EndpointsRow => row.kind === "endpoints")
    .map((row) => ({
      ...row,
      endpoints: row.endpoints.flatMap((endpoint) => {
        const reached = backend.reach(row.cluster, { family: row.addressType, endpoint });
        return reached === undefined ? [] : [reached.endpoint];
      }),
    }));
}

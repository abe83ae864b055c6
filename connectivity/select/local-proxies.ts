import type { ClusterId } from "../../api/cluster-id.ts";
import type { PathReport } from "../../api/network/path-report.ts";
import { reportEndsMs } from "./combine-measurements.ts";

/**
 * Addresses at which proxies of this cluster take clients, in order. Of those that report lately; where none does, of all that
 * ever did: then it is more likely the API server that cannot be reached than every proxy that is gone.
 * @param peer only of those that have a way to it, where any has; absent: of all
 */
export function localProxies(
  reports: Iterable<PathReport>,
  wallMs: number,
  peer?: ClusterId,
): readonly string[] {
  const all = [...reports].filter(
    ({ spec }) => spec.role === "proxy" && (spec.clientAddresses ?? []).length > 0,
  );
  const lately = all.filter((report) => reportEndsMs(report, wallMs) !== undefined);
  const known = lately.length > 0 ? lately : all;
  const connected = known.filter(({ spec }) =>
    spec.paths.some((path) => path.peer === peer && path.state === "up"),
  );
  const taken = connected.length > 0 ? connected : known;
  return [...new Set(taken.flatMap(({ spec }) => spec.clientAddresses ?? []))].toSorted();
}

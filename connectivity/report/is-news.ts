import type { PathReportSpec } from "../../api/network/path-report.ts";

/** Whether a report says something that others act on at once, rather than newer figures. */
export function isNews(
  before: Omit<PathReportSpec, "renewedAt"> | undefined,
  now: Omit<PathReportSpec, "renewedAt">,
): boolean {
  return before === undefined || essence(before) !== essence(now);
}

function essence({
  paths,
  traffic: _figures,
  ...facts
}: Omit<PathReportSpec, "renewedAt">): string {
  return JSON.stringify({
    ...facts,
    paths: paths.map(({ peer, backend, state, mtu }) => ({ peer, backend, state, mtu })),
  });
}

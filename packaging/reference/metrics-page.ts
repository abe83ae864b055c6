import type { MetricDefinition, MetricsByProcess } from "./metric-recorder.ts";
import { cell, code, type Page, table } from "./page.ts";

/** What every process with an API server has, and what it is called in the page. */
const COMMON = "Every process beside a cluster";

/** @param seen what the registries hold (`collect-metrics.ts`). */
export function metricsPage(seen: MetricsByProcess): Page {
  const members = [...seen].filter(([process]) => process !== "broker");
  const isCommon = ({ name }: MetricDefinition): boolean =>
    members.every(([, metrics]) => metrics.has(name));
  const common = [...(members[0]?.[1].values() ?? [])].filter(isCommon);
  const sections = [...seen].map(([process, metrics]) => {
    const own = [...metrics.values()].filter((metric) => process === "broker" || !isCommon(metric));
    return section(`isthmus ${process}`, own);
  });
  const introduction =
    "What `/metrics` of each process's `--health-listen` shows, beside what Node and the operating system tell of it (`process_*`, `nodejs_*`).";
  return {
    file: "metrics.md",
    title: "Metrics",
    body: [introduction, section(COMMON, common), ...sections].join("\n\n"),
  };
}

function section(title: string, metrics: readonly MetricDefinition[]): string {
  const rows = metrics
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, labels, help }) => [
      code(name),
      type,
      labels.map(code).join(", "),
      cell(help),
    ]);
  return `## ${title}\n\n${table(["metric", "type", "labels", "meaning"], rows)}`;
}

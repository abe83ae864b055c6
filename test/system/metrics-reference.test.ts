import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { collectMetrics } from "../../packaging/reference/collect-metrics.ts";
import type { MetricsByProcess } from "../../packaging/reference/metric-recorder.ts";
import { metricsPage } from "../../packaging/reference/metrics-page.ts";
import { pageText } from "../../packaging/reference/page.ts";

test("docs/reference/metrics.md is what the processes register", async () => {
  const committed = readFileSync(
    new URL("../../docs/reference/metrics.md", import.meta.url),
    "utf8",
  );
  const text = (seen: MetricsByProcess): string => pageText(metricsPage(seen));
  // Looked at until it is the same: what a process registers it may register a moment after its start.
  const seen = await collectMetrics((sofar) => text(sofar) === committed);
  expect(text(seen), "run `npm run docs` and commit what it writes").toBe(committed);
});

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./bundle.ts";
import { collectMetrics } from "./reference/collect-metrics.ts";
import { metricNamesInCode } from "./reference/metric-names.ts";
import type { MetricsByProcess } from "./reference/metric-recorder.ts";
import { metricsPage } from "./reference/metrics-page.ts";
import { pageText } from "./reference/page.ts";
import { codePages } from "./reference/pages.ts";

/** Some processes share metrics: when all names have been seen the last process may not have come to its own. */
const QUIET_MS = 3_000;

const names = metricNamesInCode();

function unseen(seen: MetricsByProcess): readonly RegExp[] {
  const registered = [...seen.values()].flatMap((metrics) => [...metrics.keys()]);
  return names.filter((name) => !registered.some((one) => name.test(one)));
}

/** `npm run docs`: writes `docs/reference` from the code. */
let known = 0;
let sinceMs = performance.now();
const metrics = await collectMetrics((seen) => {
  const count = [...seen.values()].reduce((sum, { size }) => sum + size, 0);
  if (count !== known) {
    known = count;
    sinceMs = performance.now();
  }
  return unseen(seen).length === 0 && performance.now() - sinceMs > QUIET_MS;
});
const missing = unseen(metrics);
if (missing.length > 0) {
  throw new Error(`no process registered ${missing.join(", ")}: start it with what it takes`);
}
const folder = join(ROOT, "docs/reference");
mkdirSync(folder, { recursive: true });
for (const page of [...(await codePages()), metricsPage(metrics)]) {
  writeFileSync(join(folder, page.file), pageText(page));
  process.stdout.write(`docs/reference/${page.file}\n`);
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./bundle.ts";
import { collectMetrics } from "./reference/collect-metrics.ts";
import { metricsPage } from "./reference/metrics-page.ts";
import { pageText } from "./reference/page.ts";
import { codePages } from "./reference/pages.ts";

/** Long after the last process has started. */
const QUIET_MS = 3_000;

/** `npm run docs`: writes `docs/reference` from the code. */
let known = 0;
let sinceMs = performance.now();
const metrics = await collectMetrics((seen) => {
  const count = [...seen.values()].reduce((sum, { size }) => sum + size, 0);
  if (count !== known) {
    known = count;
    sinceMs = performance.now();
  }
  return performance.now() - sinceMs > QUIET_MS;
});
const folder = join(ROOT, "docs/reference");
mkdirSync(folder, { recursive: true });
for (const page of [...(await codePages()), metricsPage(metrics)]) {
  writeFileSync(join(folder, page.file), pageText(page));
  process.stdout.write(`docs/reference/${page.file}\n`);
}

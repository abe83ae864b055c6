import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHARTS, valuesSchema, valuesText } from "../install/chart-values.ts";
import { dashboardText } from "../install/observability/dashboard-text.ts";
import type { DASHBOARDS } from "../install/observability/dashboards.ts";
import { ROOT } from "./bundle.ts";

/** `npm run charts`: writes the charts' values and their schema from the settings of `install/`, and the dashboards. */
for (const [name, settings] of Object.entries(CHARTS)) {
  writeFileSync(join(ROOT, "charts", name, "values.yaml"), valuesText(settings));
  writeFileSync(join(ROOT, "charts", name, "values.schema.json"), valuesSchema(settings));
}
for (const part of ["hub", "member"] as const satisfies readonly (keyof typeof DASHBOARDS)[]) {
  const file = join(ROOT, "api/observability/dashboards", `isthmus-${part}.json`);
  writeFileSync(file, dashboardText(part));
}

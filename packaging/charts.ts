import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHARTS, valuesSchema, valuesText } from "../install/chart-values.ts";
import { ROOT } from "./bundle.ts";

/** `npm run charts`: writes the charts' values and their schema from the settings of `install/`. */
for (const [name, settings] of Object.entries(CHARTS)) {
  writeFileSync(join(ROOT, "charts", name, "values.yaml"), valuesText(settings));
  writeFileSync(join(ROOT, "charts", name, "values.schema.json"), valuesSchema(settings));
}

import { annotationsPage } from "./annotations-page.ts";
import { chartValuesPage } from "./chart-values-page.ts";
import { cliPage } from "./cli-page.ts";
import { conditionsPage } from "./conditions-page.ts";
import { crdsPage } from "./crds-page.ts";
import type { Page } from "./page.ts";

/** The pages that can be told from the code as it lies there; `metrics-page.ts` has to run it. */
export async function codePages(): Promise<readonly Page[]> {
  return [await cliPage(), chartValuesPage(), crdsPage(), annotationsPage(), conditionsPage()];
}

import { z } from "zod";

/** What a chart has beside the settings of an install, whose own verb does these things itself. */
export const chartSettings = {
  upgradeCrds: z
    .boolean()
    .default(true)
    .describe(
      "bring custom resource definitions to this version before an install or upgrade, never back (VER-07): a Job, which helm runs first; without it newer ones want isthmus crds --apply",
    ),
} as const;

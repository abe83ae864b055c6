import { z } from "zod";
import type { Result } from "../../api/result.ts";
import type { AdminRoute } from "../../broker/admin/admin-api.ts";
import { askBroker } from "../../broker/admin/admin-client.ts";
import { adminSocketPath } from "../../broker/data-dir.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { DEFAULT_DATA_DIR } from "./place-settings.ts";

/** How a command finds the broker that it asks. */
export const adminSettings = {
  dataDir: z.string().default(DEFAULT_DATA_DIR).describe("data directory of the running broker"),
  adminSocket: z
    .string()
    .optional()
    .describe("its admin socket; default: admin.sock in the data directory"),
} as const;

/** Asks the broker of these settings. */
export function askAdmin<S extends z.ZodType>(
  settings: { readonly dataDir: string; readonly adminSocket?: string | undefined },
  route: AdminRoute,
  exchange: { readonly question?: unknown; readonly answer: S },
): Promise<Result<z.output<S>, string>> {
  const path = settings.adminSocket ?? adminSocketPath(settings.dataDir);
  return askBroker(path, route, exchange, systemClock);
}

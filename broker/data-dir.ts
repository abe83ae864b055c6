import { join } from "node:path";

/** The rows' own folder in a broker's data directory, apart from authority and tokens. */
export function storePath(dataDir: string): string {
  return join(dataDir, "store");
}

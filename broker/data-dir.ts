import { join } from "node:path";

/** The rows' own folder in a broker's data directory, apart from authority and tokens. */
export function storePath(dataDir: string): string {
  return join(dataDir, "store");
}

/** Who left, beside the authority whose certificates it voids. */
export function departuresPath(dataDir: string): string {
  return join(dataDir, "departures.json");
}

/** Where an admin asks a running broker. */
export function adminSocketPath(dataDir: string): string {
  return join(dataDir, "admin.sock");
}

/** Who came in, who was kept out, who decided it. */
export function auditPath(dataDir: string): string {
  return join(dataDir, "audit.jsonl");
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The texts of `api/cluster-policy`, in the order in which a cluster must get them. */
export function readClusterPolicy(directory: string): readonly string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".yaml"));
  return files.sort().map((file) => readFileSync(join(directory, file), "utf8"));
}

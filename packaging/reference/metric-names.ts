import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../bundle.ts";

const FOLDERS = ["broker", "cli", "connectivity", "controllers", "dns-server", "runtime"];

/** Names of metrics as the code spells them, each as a pattern: parts of some are filled in when they are registered. */
export function metricNamesInCode(): readonly RegExp[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.includes(".test."))
      .flatMap((name) => {
        const text = readFileSync(join(ROOT, folder, name), "utf8");
        return [...text.matchAll(/\bname: ["`](isthmus_[^"`]+)["`]/g)];
      }),
  ).map(([, name = ""]) => new RegExp(`^${name.replaceAll(/\$\{[^}]*\}/g, "[a-z_]+")}$`));
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UDP_BATCH_FILE } from "./load-udp-batch.ts";

// `npm run build:native`: compiles the addon with the machine's `cc`. Without it the server uses
// node:dgram. `--sanitize` builds with AddressSanitizer and UndefinedBehaviorSanitizer, for tests.

/** Headers of the Node that runs this: beside its binary, where its releases and its npm package have them. */
function findHeaders(): string | undefined {
  const besides = join(dirname(process.execPath), "..");
  return [
    join(besides, "include/node"),
    join(besides, `node_modules/node-${process.platform}-${process.arch}/include/node`),
  ].find((folder) => existsSync(join(folder, "node_api.h")));
}

function build(isSanitized: boolean): string | undefined {
  if (process.platform !== "linux") return `the addon is for Linux: this is ${process.platform}`;
  const headers = findHeaders();
  if (headers === undefined) return `no headers of Node near ${process.execPath}`;
  const target = fileURLToPath(UDP_BATCH_FILE);
  mkdirSync(dirname(target), { recursive: true });
  // Renamed when whole: a program that loads it meanwhile gets the old one or the new one.
  const draft = `${target}.${process.pid}`;
  const source = fileURLToPath(new URL("./udp-batch.c", import.meta.url));
  const flags = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"];
  const hardening = isSanitized
    ? ["-g", "-fsanitize=address,undefined", "-fno-omit-frame-pointer"]
    : ["-D_FORTIFY_SOURCE=2", "-fstack-protector-strong", "-Wl,-z,relro,-z,now"];
  const args = [...flags, ...hardening, "-fvisibility=hidden", `-I${headers}`, source, "-o", draft];
  const { status, error } = spawnSync("cc", args, { stdio: "inherit" });
  if (error !== undefined) return `no compiler: ${error.message}`;
  if (status !== 0) return `cc exited with ${status}`;
  renameSync(draft, target);
  return undefined;
}

const problem = build(process.argv.includes("--sanitize"));
if (problem !== undefined) {
  process.stderr.write(`cannot build the addon: ${problem}\n`);
  process.exitCode = 1;
}

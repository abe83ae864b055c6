import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { systemClock } from "../runtime/clock/system-clock.ts";
import { poolChannel } from "./dns/workers/pool-channel.ts";
import { takeNodeFlags } from "./node-flags.ts";
import { processSignals } from "./process/process-signals.ts";

takeNodeFlags(process);

// Compiled code is kept beside the dependencies, where it is nobody's litter; a read-only file system just goes without.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/isthmus", import.meta.url)));

// Imported late, so that the cache serves everything behind it.
const { runProgram } = await import("./program.ts");

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  program: fileURLToPath(import.meta.url),
  ...processSignals(systemClock),
  ...poolChannel(),
  out: {
    line: (text) => process.stdout.write(`${text}\n`),
    problem: (text) => process.stderr.write(`${text}\n`),
  },
});
// Whatever still holds the event loop (idle sockets, timers of libraries) must not keep the process.
process.exit();

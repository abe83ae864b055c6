import { enableCompileCache } from "node:module";
import { runProgram } from "./program.ts";
import { stopSignal } from "./stop-signal.ts";

enableCompileCache();

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  signal: stopSignal(),
  out: {
    line: (text) => process.stdout.write(`${text}\n`),
    problem: (text) => process.stderr.write(`${text}\n`),
  },
});
// Whatever still holds the event loop (idle sockets, timers of libraries) must not keep the process.
process.exit();

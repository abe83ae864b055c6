#!/usr/bin/env node
// Plain JavaScript on purpose: runs on whatever Node the machine has and hands over to the one the project brings.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const runtime = `${root}node_modules/node/bin/node`;
const main = `${root}cli/main.ts`;

if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import("./main.ts");
} else if (existsSync(runtime)) {
  const child = spawn(runtime, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends its signals to the child as well, which takes both for one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
  });
} else {
  process.stderr.write(
    `isthmus needs Node 24; found ${process.versions.node}: run "npm install" in ${root} first\n`,
  );
  process.exit(1);
}

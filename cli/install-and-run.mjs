// First step of `npm run demo` and `npm test` on a fresh clone: installs the locked dependencies, the right Node among
// them, when they are missing or older than the lock file; then runs the task on that Node.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [task, ...rest] = process.argv.slice(2);

const TASKS = {
  demo: { program: "node", args: ["cli/main.ts", "demo"] },
  test: { program: "node", args: ["test/run.ts"] },
  "test:net": { program: "node", args: ["test/net/run.ts"] },
  "test:e2e": { program: "node", args: ["test/e2e/run.ts"] },
};

if (!(task in TASKS)) {
  process.stderr.write(`unknown task ${task}: known are ${Object.keys(TASKS).join(", ")}\n`);
  process.exit(2);
}
if (!installed()) install();
run(TASKS[task]);

function installed() {
  const receipt = `${root}node_modules/.package-lock.json`;
  if (!existsSync(receipt) || !existsSync(`${root}node_modules/node/bin/node`)) return false;
  if (statSync(receipt).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs) return true;
  // A newer file need not be a different one: a fresh checkout touches it too.
  const wanted = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")).packages;
  const present = JSON.parse(readFileSync(receipt, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || optional || present[path]?.version === version,
  );
}

function install() {
  process.stderr.write("installing dependencies (npm install), once per checkout ...\n");
  // Not `npm ci`: it refuses a lock that lacks binaries for platforms which a registry does not carry. `--no-save` keeps
  // to the locked versions all the same.
  const npm = spawnSync(
    "npm",
    ["install", "--no-save", "--no-fund", "--no-audit", "--loglevel=error"],
    {
      cwd: root,
      // Standard output belongs to the task.
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
    },
  );
  if (npm.status !== 0) {
    process.stderr.write("npm install failed: see above\n");
    process.exit(npm.status ?? 1);
  }
}

function run({ program, args }) {
  const bin = `${root}node_modules/.bin`;
  const child = spawn(`${bin}/${program}`, [...args, ...rest], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  // Whoever started this may know this process alone. A terminal sends Ctrl-C to the whole group: the child takes both for one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`cannot start ${program}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
  });
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { bundlePrograms, ROOT } from "../../packaging/bundle.ts";
import { commandLines, writeProcessFiles } from "../../packaging/reference/every-process.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";

/**
 * `npm run bench:start-up`: each shipped process, started as the image starts it (`node isthmus.mjs VERB`, with the code that Node
 * compiled when the image was made), until it answers /livez. Files are in the page cache from the second start on: the first is not counted.
 */
const STARTS = 7;
const LIMIT_MS = 30_000;
const folder = await mkdtemp(join(tmpdir(), "isthmus-start-up-"));
const made = await createApiServer({ serviceCidrs: ["10.101.0.0/16"] }, { clock, random, log });
if (!made.ok) throw new Error(JSON.stringify(made.error));
const server = made.value;
await server.start();
try {
  await bundlePrograms(join(folder, "bin"));
  cpSync(join(ROOT, "api"), join(folder, "api"), { recursive: true });
  const files = await writeProcessFiles(folder, server.kubeconfigEntry("one"));
  await oneStart(["crds", "--apply", "--kubeconfig", files.kubeconfig]);
  process.stdout.write("process       until /livez answers, median (all), milliseconds\n");
  for (const argv of commandLines(folder, files)) {
    // As the image does while it is built.
    await oneStart([argv[0] ?? "", "--help"]);
    const times: number[] = [];
    for (let start = 0; start <= STARTS; start += 1) {
      const [port = 0] = await freePorts(1, random);
      const ms = await oneStart([...argv, "--log-level", "error"], port);
      if (start > 0) times.push(Math.round(ms));
    }
    const sorted = times.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    process.stdout.write(`${(argv[0] ?? "").padEnd(12)}  ${median} (${sorted.join(" ")})\n`);
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Until it answers on the port, and is stopped; without a port until it has ended. */
async function oneStart(argv: readonly string[], port?: number): Promise<number> {
  const listen = port === undefined ? [] : ["--health-listen", `127.0.0.1:${port}`];
  const startMs = clock.monotonicMs();
  const child = spawn(process.execPath, [join(folder, "bin/isthmus.mjs"), ...argv, ...listen], {
    cwd: ROOT,
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, "cache") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  if (port === undefined) await ended;
  else await untilAlive(port, startMs);
  const ms = clock.monotonicMs() - startMs;
  child.kill("SIGKILL");
  await ended;
  return ms;
}

async function untilAlive(port: number, startMs: number): Promise<void> {
  while (clock.monotonicMs() - startMs < LIMIT_MS) {
    const answer = await fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await pause(2);
  }
  throw new Error(`not alive after ${LIMIT_MS} ms`);
}

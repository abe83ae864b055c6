import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { CpuQuotas } from "./cpu-quota.ts";
import { dnsperf, PROBE } from "./dnsperf.ts";
import { cpuSeconds, loadAverage, memoryMiB } from "./process-usage.ts";
import { print } from "./report.ts";
import { startWorld } from "./world.ts";

// `npm run soak:dns -- --minutes 30`: one server at a part of its capacity while endpoints change all the time; a line for each
// half minute. Its capacity is what it answers while they change. `--quota 25` holds the server to a quarter of a core, as a
// container's limit does, and its capacity is what it has within that: for machines that have other things to do. Exits with 1
// when an answer was wrong, the server died, or its memory went on growing.

const SERVER_CORE = 0;
const GENERATOR_CORE = 1;
const WINDOW_SECONDS = 30;
/** Code is compiled, and old objects have been collected a few times. */
const WARM_UP_SECONDS = 30;
const CAPACITY_SECONDS = 60;
/** Above what the first third needed, memory has grown. */
const GROWTH_MAX = 1.15;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    part: { type: "string", default: "0.8" },
    changes: { type: "string", default: "50" },
    quota: { type: "string" },
  },
});
const windows = Math.max(3, Math.round((Number(values.minutes) * 60) / WINDOW_SECONDS));

execFileSync("taskset", ["-pc", String(GENERATOR_CORE), String(process.pid)], { stdio: "ignore" });
await using world = await startWorld({ serverCore: SERVER_CORE, coredns: "", only: ["isthmus"] });
const [server] = world.servers;
if (server === undefined) throw new Error("the world has our server");
using quotas = new CpuQuotas();
if (values.quota !== undefined && !quotas.limit([server.pid], Number(values.quota))) {
  throw new Error("--quota needs root and control groups that can be written");
}
const load = { port: server.port, questions: world.questions.hits, core: GENERATOR_CORE };

world.apiServer.send({ changesPerSecond: Number(values.changes) });
await dnsperf({ ...load, seconds: WARM_UP_SECONDS });
const capacity = await dnsperf({ ...load, seconds: CAPACITY_SECONDS });
const perSecond = capacity.perSecond * Number(values.part);
print(
  `${values.changes} changes/s; capacity beside them ${capacity.perSecond}/s, asked ${Math.round(perSecond)}/s; ${windows} windows of ${WINDOW_SECONDS} s`,
);

const memory: number[] = [];
let wrong = 0;
print(
  "| minute | answers/s | lost | NOERROR % | p50 ms | p99 ms | memory MiB | CPU % | load average |",
);
print("|---|---|---|---|---|---|---|---|---|");
for (let window = 1; window <= windows; window++) {
  const before = cpuSeconds(server.pid);
  const [full, probe] = await Promise.all([
    dnsperf({ ...load, seconds: WINDOW_SECONDS, perSecond, isQuiet: true }),
    dnsperf({ ...load, seconds: WINDOW_SECONDS - 1, ...PROBE }),
  ]);
  const cpuPercent = ((cpuSeconds(server.pid) - before) / WINDOW_SECONDS) * 100;
  memory.push(memoryMiB(server.pid));
  if (full.noErrorPercent < 100 || probe.noErrorPercent < 100) wrong++;
  const cells = [
    (window * WINDOW_SECONDS) / 60,
    full.perSecond,
    full.lost + probe.lost,
    Math.min(full.noErrorPercent, probe.noErrorPercent),
    probe.p50Ms.toFixed(2),
    probe.p99Ms.toFixed(2),
    memory.at(-1),
    Math.round(cpuPercent),
    loadAverage(),
  ];
  print(`| ${cells.join(" | ")} |`);
}

const third = Math.ceil(memory.length / 3);
const early = Math.max(...memory.slice(0, third));
const late = Math.max(...memory.slice(-third));
const hasGrown = late > early * GROWTH_MAX;
print(`memory at most ${early} MiB in the first third, ${late} MiB in the last`);
if (wrong > 0) print(`windows with wrong answers: ${wrong}`);
process.exitCode = wrong > 0 || hasGrown ? 1 : 0;

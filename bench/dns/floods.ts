import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dnsperf } from "./dnsperf.ts";
import { type FloodKind, startFlood } from "./flood-process.ts";
import { cpuSeconds, loadAverage, memoryMiB } from "./process-usage.ts";
import { print, printTable } from "./report.ts";
import { startWorld } from "./world.ts";

// `node bench/dns/floods.ts`: what becomes of ordinary questions, 5,000 a second, while somebody floods the server.

const SERVER_CORE = 0;
const GENERATOR_CORE = 1;
const SECONDS = 8;
const ORDINARY_PER_SECOND = 5_000;
const RANDOM_NAMES = 200_000;

execFileSync("taskset", ["-pc", String(GENERATOR_CORE), String(process.pid)], { stdio: "ignore" });
await using world = await startWorld({ serverCore: SERVER_CORE, coredns: "", only: ["isthmus"] });
const [server] = world.servers;
if (server === undefined) throw new Error("the world has our server");
const { port, pid } = server;
const load = { port, questions: world.questions.hits, core: GENERATOR_CORE, seconds: SECONDS };

const randomNames = join(world.folder, "random");
const lines = Array.from(
  { length: RANDOM_NAMES },
  (_, index) => `r${Math.imul(index, 0x9e3779b1) >>> 0}.ns-1.svc.clusterset.local A`,
);
writeFileSync(randomNames, `${lines.join("\n")}\n`);

interface Flood {
  readonly name: string;
  /** Runs for about SECONDS; what it did, for people. */
  run(): Promise<string>;
}

const FLOODS: readonly Flood[] = [
  { name: "none", run: () => Promise.resolve("") },
  {
    name: "random names, as fast as it goes",
    run: async () => {
      const flood = await dnsperf({ ...load, questions: randomNames });
      return `${flood.perSecond}/s answered`;
    },
  },
  { name: "from 2,000 addresses of 127.0.0.0/8", run: () => floodFrom("addresses") },
  { name: "1,500 TCP clients that send a byte a second", run: () => floodFrom("slow-tcp") },
];

await dnsperf(load);
const figures = [];
for (const flood of FLOODS) {
  const before = cpuSeconds(pid);
  const running = flood.run();
  const ordinary = await dnsperf({ ...load, perSecond: ORDINARY_PER_SECOND });
  const did = await running;
  figures.push({
    flood: flood.name,
    did,
    "ordinary answered/s": ordinary.perSecond,
    lost: ordinary.lost,
    p50Ms: ordinary.p50Ms,
    p99Ms: ordinary.p99Ms,
    "server CPU %": ((cpuSeconds(pid) - before) / SECONDS) * 100,
    memoryMiB: memoryMiB(pid),
  });
}
printTable(figures);
print(`load average ${loadAverage()}`);

async function floodFrom(kind: FloodKind): Promise<string> {
  const flood = await startFlood({ kind, port, seconds: SECONDS });
  return flood.did;
}

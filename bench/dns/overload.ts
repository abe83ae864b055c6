import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { CpuQuotas } from "./cpu-quota.ts";
import { dnsperf } from "./dnsperf.ts";
import { startFlood } from "./flood-process.ts";
import { loadAverage } from "./process-usage.ts";
import { print, printTable } from "./report.ts";
import { isthmus } from "./servers/isthmus.ts";
import { startServer } from "./servers/measured-server.ts";
import { startWorld, waitUntilAnswering } from "./world.ts";

// `node bench/dns/overload.ts`: what share of ordinary questions is answered while a flood asks for more than the server can
// give, with and without a rate limit that the ordinary client is exempt from, as a cluster's DNS would be. The server is held to so
// little of a core that a flood of five times its capacity can be made. Needs root and control groups.

const SERVER_CORE = 0;
const GENERATOR_CORE = 1;
const ORDINARY_FROM = "127.0.0.2";
const FLOOD_FROM = "127.0.0.3";
/** Of the capacity. */
const ORDINARY_PART = 0.1;
const FLOODS = [2, 5];
const RANDOM_NAMES = 200_000;
const FLOOD_OUTSTANDING = 60_000;
const RATE_LIMIT = 50;
const KNOWN_AFTER_SECONDS = 16;

const { values } = parseArgs({
  options: {
    quota: { type: "string", default: "4" },
    seconds: { type: "string", default: "6" },
  },
});
const seconds = Number(values.seconds);

execFileSync("taskset", ["-pc", String(GENERATOR_CORE), String(process.pid)], { stdio: "ignore" });
await using world = await startWorld({ serverCore: SERVER_CORE, coredns: "", only: ["none"] });
const randomNames = join(world.folder, "random");
const lines = Array.from(
  { length: RANDOM_NAMES },
  (_, index) => `r${Math.imul(index, 0x9e3779b1) >>> 0}.ns-1.svc.clusterset.local A`,
);
writeFileSync(randomNames, `${lines.join("\n")}\n`);

const figures = [];
const limited = [`--rate-limit=${RATE_LIMIT}`, `--rate-limit-exempt=${ORDINARY_FROM}`];
for (const more of [[], limited]) {
  const [port = 0] = await freePorts(1, systemRandom);
  const folder = join(world.folder, `server-${more.length}`);
  mkdirSync(folder);
  const input = { folder, port, kubeconfig: world.kubeconfig, zoneFile: "", core: SERVER_CORE };
  const server = startServer(isthmus("auto", "isthmus", more), input);
  await waitUntilAnswering(server);
  const load = { port, seconds, core: GENERATOR_CORE, questions: world.questions.hits };
  // Code is compiled before there is little time for it, and the client has been asking for a while, as ordinary ones have.
  await dnsperf({ ...load, from: ORDINARY_FROM, seconds: KNOWN_AFTER_SECONDS, perSecond: 500 });
  using quotas = new CpuQuotas();
  if (!quotas.limit([server.pid], Number(values.quota))) {
    throw new Error("needs root and control groups that can be written");
  }
  const capacity = (await dnsperf({ ...load, from: ORDINARY_FROM })).perSecond;
  const floodsOf = (times: number): readonly Flood[] => [
    { name: "random names of one client", times, run: () => fromOne(port, capacity * times) },
    { name: "from 2,000 addresses", times, run: () => fromMany(port, capacity * times) },
  ];
  const none: Flood = {
    name: "none",
    times: 0,
    run: () => Promise.resolve({ sent: Promise.resolve(0) }),
  };
  for (const flood of [none, ...FLOODS.flatMap(floodsOf)]) {
    const { sent: flooding } = await flood.run();
    const ordinary = await dnsperf({
      ...load,
      from: ORDINARY_FROM,
      perSecond: capacity * ORDINARY_PART,
      outstanding: FLOOD_OUTSTANDING,
    });
    const { sent, answered, p50Ms, p99Ms } = ordinary;
    figures.push({
      "rate limit": more.length === 0 ? "none" : `${RATE_LIMIT}/s`,
      flood: flood.name,
      "flood, of capacity": (await flooding) / capacity,
      "ordinary answered %": (answered / sent) * 100,
      p50Ms,
      p99Ms,
      capacity,
    });
  }
  await server.stop();
}
printTable(figures);
print(`load average ${loadAverage()}`);

interface Flood {
  readonly name: string;
  /** Of the capacity. */
  readonly times: number;
  /** Resolves when it has begun; it lasts as long as the ordinary client asks. */
  run(): Promise<Flooding>;
}

interface Flooding {
  /** Packets a second, once it is over. */
  readonly sent: Promise<number>;
}

async function fromOne(port: number, perSecond: number): Promise<Flooding> {
  const flood = dnsperf({
    port,
    questions: randomNames,
    seconds,
    core: GENERATOR_CORE,
    from: FLOOD_FROM,
    perSecond,
    outstanding: FLOOD_OUTSTANDING,
    isQuiet: true,
  });
  return { sent: flood.then(({ sent }) => sent / seconds) };
}

async function fromMany(port: number, perSecond: number): Promise<Flooding> {
  const { did } = await startFlood({ kind: "addresses", port, seconds, perSecond });
  return { sent: did.then((text) => Number(/^(\d+)\/s sent/.exec(text)?.[1])) };
}

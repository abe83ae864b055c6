import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import {
  CLUSTER_SET_IP_SERVICES,
  ENDPOINTS_PER_HEADLESS,
  HEADLESS_SERVICES,
} from "./clusterset.ts";
import { measureChanges, measureStorm, STORM } from "./measure-changes.ts";
import { measureRebuild } from "./measure-rebuild.ts";
import { measureRound, medianRound, type Round } from "./measure-server.ts";
import { measureWorkers } from "./measure-workers.ts";
import { loadAverage, memoryMiB } from "./process-usage.ts";
import { print, printTable, ratio } from "./report.ts";
import { startWorld, type WorldOptions } from "./world.ts";

// `npm run bench:dns`: every DNS server of this machine on the same clusterset, in turn. README.md says what is measured.

const SERVER_CORE = 0;
const GENERATOR_CORE = 1;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    only: { type: "string", default: "" },
    parts: { type: "string", default: "answers,changes,workers,zone" },
    coredns: { type: "string", default: "coredns" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

// Everything but the servers stays off their core.
execFileSync("taskset", ["-pc", String(GENERATOR_CORE), String(process.pid)], { stdio: "ignore" });
print(
  `${CLUSTER_SET_IP_SERVICES} services with an IP, ${HEADLESS_SERVICES} headless with ${ENDPOINTS_PER_HEADLESS} endpoints each; ` +
    `${rounds} rounds of ${seconds} s, medians; load average at the start ${loadAverage()}`,
);
const only = values.only === "" ? [] : values.only.split(",");
const worldOptions: WorldOptions = { serverCore: SERVER_CORE, coredns: values.coredns, only };
await using world = await startWorld(worldOptions);
for (const name of world.absent) print(`not on this machine: ${name}`);

const parts = values.parts.split(",");
if (parts.includes("answers")) await measureAnswers();
if (parts.includes("changes")) await measureFollowing();
if (parts.includes("workers")) {
  print(`\none worker and two`);
  const cores = { server: SERVER_CORE, generator: GENERATOR_CORE };
  printTable(await measureWorkers(world, { seconds, rounds, cores }));
}
if (parts.includes("zone")) {
  print(`\nthe zone, in one process without network`);
  printTable(measureRebuild());
}
print(`load average at the end ${loadAverage()}`);

async function measureAnswers(): Promise<void> {
  for (const kind of ["hits", "mixed"] as const) {
    const measured = new Map<string, Round[]>();
    for (let round = 0; round < rounds; round++) {
      for (const server of world.servers) {
        const questions = world.questions[kind];
        const figures = await measureRound(server, {
          questions,
          seconds,
          generatorCore: GENERATOR_CORE,
        });
        measured.set(server.name, [...(measured.get(server.name) ?? []), figures]);
      }
    }
    const lines = world.servers.map((server) => ({
      server: server.name,
      ...medianRound(measured.get(server.name) ?? []),
      memoryMiB: memoryMiB(server.pid),
    }));
    print(`\n${kind} (load average ${loadAverage()})`);
    printTable(lines);
    const [ours] = lines;
    for (const peer of lines.slice(1)) {
      if (ours === undefined) continue;
      print(
        `${ours.server} to ${peer.server}: ${ratio(ours.perSecond, peer.perSecond)} per second, ` +
          `${ratio(ours.perCpuSecond, peer.perCpuSecond)} per CPU second, ` +
          `${ratio(ours.p50Ms, peer.p50Ms)} p50, ${ratio(ours.p99Ms, peer.p99Ms)} p99, ` +
          `${ratio(ours.memoryMiB, peer.memoryMiB)} memory`,
      );
    }
  }
}

function isWanted(name: string): boolean {
  return only.length === 0 || only.includes(name);
}

async function measureFollowing(): Promise<void> {
  const changes = [];
  const storms = [];
  // A cache in front shows a change only when the TTL is over: nothing to measure there. One after the other, each with an
  // API server of its own: they would take each other's core while both follow.
  for (const name of ["isthmus", "coredns"].filter(isWanted)) {
    await using own = await startWorld({ ...worldOptions, only: [name] });
    const [server] = own.servers;
    if (server === undefined) continue;
    changes.push(await measureChanges(server, own.apiServer));
    for (const changing of ["ips", "endpoints"] as const) {
      const options = { seconds, generatorCore: GENERATOR_CORE };
      storms.push(await measureStorm(server, own, changing, options));
    }
  }
  print(`\none endpoint of 100 changed at the API server, until the answer has it`);
  printTable(changes);
  print(
    `\n${STORM.changesPerSecond} changes a second asked of the API server, while ` +
      `${STORM.questionsPerSecond} questions a second are asked`,
  );
  printTable(storms);
}

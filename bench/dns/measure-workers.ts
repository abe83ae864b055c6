import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { dnsperf } from "./dnsperf.ts";
import { cpuSeconds, memoryMiB } from "./process-usage.ts";
import { isthmus } from "./servers/isthmus.ts";
import { startServer } from "./servers/measured-server.ts";
import { type World, waitUntilAnswering } from "./world.ts";

export type WorkerFigures = {
  readonly workers: number;
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly memoryMiB: number;
};

/** Enough sockets that the kernel's choice by addresses and ports spreads them over the workers. */
const CLIENTS = 64;

/** One worker, then two, free to use every core; the generator needs one of those itself. */
export async function measureWorkers(
  world: World,
  options: { readonly seconds: number; readonly rounds: number },
): Promise<readonly WorkerFigures[]> {
  const figures: WorkerFigures[] = [];
  for (const workers of [1, 2]) {
    const [port = 0] = await freePorts(1, systemRandom);
    const folder = join(world.folder, `workers-${workers}`);
    mkdirSync(folder);
    const server = startServer(isthmus("auto", `isthmus-${workers}`, [`--workers=${workers}`]), {
      folder,
      port,
      kubeconfig: world.kubeconfig,
      zoneFile: "",
    });
    await waitUntilAnswering(server);
    await waitUntilIdle(server.pid);
    const load = { port, questions: world.questions.hits, clients: CLIENTS };
    await dnsperf({ ...load, seconds: options.seconds });
    const rounds: { readonly perSecond: number; readonly perCpuSecond: number }[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const before = cpuSeconds(server.pid);
      const { perSecond, answered } = await dnsperf({ ...load, seconds: options.seconds });
      rounds.push({ perSecond, perCpuSecond: answered / (cpuSeconds(server.pid) - before) });
    }
    const middle = (values: readonly number[]): number =>
      values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
    figures.push({
      workers,
      perSecond: middle(rounds.map(({ perSecond }) => perSecond)),
      perCpuSecond: middle(rounds.map(({ perCpuSecond }) => perCpuSecond)),
      memoryMiB: memoryMiB(server.pid),
    });
    await server.stop();
  }
  return figures;
}

const IDLE_CPU_SECONDS = 0.1;
const IDLE_ROUNDS_MAX = 60;

/** The first worker answers while others still build their zones: waits until nobody is busy for two seconds. */
async function waitUntilIdle(pid: number): Promise<void> {
  for (let round = 0; round < IDLE_ROUNDS_MAX; round++) {
    const before = cpuSeconds(pid);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (cpuSeconds(pid) - before < IDLE_CPU_SECONDS) return;
  }
}

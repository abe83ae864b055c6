import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { CpuQuotas } from "./cpu-quota.ts";
import { dnsperf } from "./dnsperf.ts";
import { childrenOf, cpuSeconds, memoryMiB } from "./process-usage.ts";
import { isthmus } from "./servers/isthmus.ts";
import { startServer } from "./servers/measured-server.ts";
import { type World, waitUntilAnswering } from "./world.ts";

export interface Cores {
  readonly server: number;
  readonly generator: number;
}

export type WorkerFigures = {
  readonly workers: number;
  /** What each worker may use, percent; "all there is" where quotas cannot be set. */
  readonly "of a core each": string;
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly memoryMiB: number;
};

/** Enough sockets that the kernel's choice by addresses and ports spreads them over the workers. */
const CLIENTS = 200;
/** So little that the quota binds even where other work takes most of the machine, and the generator is never what bounds. */
const QUOTA_PERCENT = 10;
const ANY_CORE = `0-${cpus().length - 1}`;

/**
 * One worker, then two, on one core, each held to the same part of it: what a second worker gives does not depend on who else needs
 * cores. Where quotas cannot be set they are free to use every core, and the generator needs one of those itself.
 */
export async function measureWorkers(
  world: World,
  options: { readonly seconds: number; readonly rounds: number; readonly cores: Cores },
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
    using quotas = new CpuQuotas();
    const serving = workers === 1 ? [server.pid] : childrenOf(server.pid);
    const isHeld = quotas.limit(serving, QUOTA_PERCENT);
    // They were started with the affinity of this process.
    for (const pid of serving) pin(pid, isHeld ? `${options.cores.server}` : ANY_CORE);
    const load = {
      port,
      questions: world.questions.hits,
      clients: CLIENTS,
      core: options.cores.generator,
    };
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
      "of a core each": isHeld ? `${QUOTA_PERCENT} %` : "all there is",
      perSecond: middle(rounds.map(({ perSecond }) => perSecond)),
      perCpuSecond: middle(rounds.map(({ perCpuSecond }) => perCpuSecond)),
      memoryMiB: memoryMiB(server.pid),
    });
    await server.stop();
  }
  return figures;
}

/** All threads of a process that runs already. */
function pin(pid: number, cores: string): void {
  execFileSync("taskset", ["-acp", cores, `${pid}`], { stdio: "ignore" });
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

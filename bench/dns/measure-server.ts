import { dnsperf, PROBE } from "./dnsperf.ts";
import { cpuSeconds } from "./process-usage.ts";
import type { RunningServer } from "./servers/measured-server.ts";

/** One round of one server with one set of questions. */
export interface Round {
  /** Most answers a second, limited by server, generator and whatever else the machine does. */
  readonly perSecond: number;
  /** Answers per second of the server's own CPU time: what one core of its own would give. */
  readonly perCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lost: number;
}

export interface RoundOptions {
  readonly questions: string;
  readonly seconds: number;
  readonly generatorCore: number;
}

/** As fast as it goes, then at half of that. */
export async function measureRound(server: RunningServer, options: RoundOptions): Promise<Round> {
  const { questions, seconds, generatorCore: core } = options;
  const load = { port: server.port, questions, seconds, core };
  const before = cpuSeconds(server.pid);
  const full = await dnsperf(load);
  const cpu = cpuSeconds(server.pid) - before;
  const [half, probe] = await Promise.all([
    dnsperf({ ...load, perSecond: full.perSecond / 2, isQuiet: true }),
    dnsperf({ ...load, ...PROBE }),
  ]);
  return {
    perSecond: full.perSecond,
    perCpuSecond: full.answered / cpu,
    p50Ms: probe.p50Ms,
    p99Ms: probe.p99Ms,
    lost: full.lost + half.lost + probe.lost,
  };
}

/** Each figure's median over the rounds. */
export function medianRound(rounds: readonly Round[]): Round {
  const median = (of: (round: Round) => number): number =>
    rounds.map(of).toSorted((left, right) => left - right)[rounds.length >> 1] ?? Number.NaN;
  return {
    perSecond: median((round) => round.perSecond),
    perCpuSecond: median((round) => round.perCpuSecond),
    p50Ms: median((round) => round.p50Ms),
    p99Ms: median((round) => round.p99Ms),
    lost: rounds.reduce((sum, round) => sum + round.lost, 0),
  };
}

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Asker } from "./ask.ts";
import { movedName } from "./clusterset.ts";
import { dnsperf, PROBE } from "./dnsperf.ts";
import { cpuSeconds } from "./process-usage.ts";
import type { RunningServer } from "./servers/measured-server.ts";
import type { World } from "./world.ts";

const CHANGES = 50;
const TIMEOUT_MS = 10_000;

export type ChangeFigures = {
  readonly server: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** From the change of an object to the first answer that has it, one change at a time. */
export async function measureChanges(
  server: RunningServer,
  apiServer: ChildProcess,
): Promise<ChangeFigures> {
  using asker = new Asker(server.port);
  const times: number[] = [];
  for (let index = 0; index < CHANGES; index++) {
    const question = `${movedName(index)} A`;
    const before = await asker.ask(question);
    const startMs = performance.now();
    apiServer.send({ change: index });
    while (addressOf(await asker.ask(question)) === addressOf(before)) {
      if (performance.now() - startMs > TIMEOUT_MS) throw new Error(`no change of ${question}`);
    }
    times.push(performance.now() - startMs);
  }
  times.sort((left, right) => left - right);
  const at = (part: number): number => times[Math.floor((times.length - 1) * part)] ?? 0;
  return { server: server.name, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** Without TTLs: a cache counts those down. */
function addressOf(answer: string | undefined): string {
  return /"data":"[^"]*"/.exec(answer ?? "")?.[0] ?? "";
}

/** Of services with an IP, which is one record, or of slices with a hundred endpoints. */
export type Changing = "ips" | "endpoints";

export type StormFigures = {
  readonly server: string;
  readonly changing: Changing;
  /** What the API server made of what was asked of it. */
  readonly changesPerSecond: number;
  readonly answeredPerSecond: number;
  readonly lost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPercent: number;
};

export const STORM = { changesPerSecond: 1000, questionsPerSecond: 10_000 };

export async function measureStorm(
  server: RunningServer,
  world: World,
  changing: Changing,
  options: { readonly seconds: number; readonly generatorCore: number },
): Promise<StormFigures> {
  const { seconds, generatorCore: core } = options;
  const load = { port: server.port, questions: world.questions.hits, seconds, core };
  world.apiServer.send({ changesPerSecond: STORM.changesPerSecond, what: changing });
  const cpuBefore = cpuSeconds(server.pid);
  const [asked, probe] = await Promise.all([
    dnsperf({ ...load, perSecond: STORM.questionsPerSecond, isQuiet: true }),
    dnsperf({ ...load, ...PROBE }),
  ]);
  const cpuPercent = ((cpuSeconds(server.pid) - cpuBefore) / seconds) * 100;
  const told = once(world.apiServer, "message") as Promise<[{ readonly changed: number }]>;
  world.apiServer.send({ changesPerSecond: 0 });
  const [{ changed }] = await told;
  return {
    server: server.name,
    changing,
    changesPerSecond: Math.round(changed / seconds),
    answeredPerSecond: asked.perSecond,
    lost: asked.lost + probe.lost,
    p50Ms: probe.p50Ms,
    p99Ms: probe.p99Ms,
    cpuPercent,
  };
}

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { runSeed, type SeedJob, type SeedResult } from "./runner/run-seed.ts";
import { runSeeds } from "./runner/run-seeds.ts";
import { SIMULATIONS, type WorldKind } from "./runner/simulations.ts";
import { DEFAULT_SCRIPT } from "./script/draw-script.ts";

/**
 * `npm run sim -- --seed 42` runs one seed, and when it fails prints the smallest script that fails likewise, with its trace.
 * `npm run sim -- --seeds 10000 [--from 1] [--jobs N]` runs many. `--rounds`, `--steps` make scripts longer, `--hubs`
 * adds replicas of the broker to some, `--bug NAME` plants a bug. `--world hub`: replicas of the hub over a shared store
 * alone. `--world paths`: members whose paths die and heal.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: String(DEFAULT_SCRIPT.rounds) },
    steps: { type: "string", default: String(DEFAULT_SCRIPT.stepsPerRound) },
    hubs: { type: "string", default: String(DEFAULT_SCRIPT.hubsMax) },
    bug: { type: "string" },
    world: { type: "string", default: "clusterset" },
  },
});
const script = { rounds: count("rounds"), stepsPerRound: count("steps"), hubsMax: count("hubs") };
const { bug } = values;
const world = parseWorld(values.world);
const simulation = SIMULATIONS[world];
const { bugs } = simulation;
if (bug !== undefined && !bugs.includes(bug)) {
  fail(`--bug must be one of ${bugs.join(", ")}: got ${bug}`);
}
const job: SeedJob = { world, script, ...(bug !== undefined && { bug }) };
const PROGRESS_MS = 10_000;
process.exitCode = values.seed === undefined ? await runMany() : await runOne(count("seed"));

async function runMany(): Promise<number> {
  const startMs = systemClock.monotonicMs();
  const range = { from: count("from"), count: count("seeds") };
  const jobs = Math.max(1, count("jobs"));
  const failures: SeedResult[] = [];
  let [done, steps, toldMs] = [0, 0, startMs];
  const rates = (): string => {
    const seconds = (systemClock.monotonicMs() - startMs) / 1_000;
    const perSecond = (value: number): string => (value / seconds).toFixed(1);
    return `${steps} steps in ${seconds.toFixed(1)} s: ${perSecond(steps)} steps/s, ${perSecond(done)} seeds/s`;
  };
  const onResult = (result: SeedResult): void => {
    done += 1;
    steps += result.steps;
    if (result.violation !== undefined) {
      failures.push(result);
      print(failureText(result));
    }
    if (systemClock.monotonicMs() - toldMs < PROGRESS_MS || done === range.count) return;
    toldMs = systemClock.monotonicMs();
    print(`${done} of ${range.count} seeds, ${failures.length} failed, ${rates()}`);
  };
  await runSeeds({ range, job, jobs, onResult });
  print(`${done} seeds, ${failures.length} failed, ${jobs} jobs, ${rates()}`);
  for (const failure of failures.toSorted((a, b) => a.seed - b.seed)) {
    print(`${failureText(failure)}\n  replay: npm run sim -- ${replayOptions(failure.seed)}`);
  }
  return failures.length === 0 ? 0 : 1;
}

function failureText({ seed, violation }: SeedResult): string {
  return `seed ${seed}: ${violation?.invariant} ${violation?.text}`;
}

/** What this run was told that a run of one seed must be told as well. */
function replayOptions(seed: number): string {
  const { rounds, stepsPerRound, hubsMax } = DEFAULT_SCRIPT;
  const options = [
    `--seed ${seed}`,
    ...(script.rounds === rounds ? [] : [`--rounds ${script.rounds}`]),
    ...(script.stepsPerRound === stepsPerRound ? [] : [`--steps ${script.stepsPerRound}`]),
    ...(script.hubsMax === hubsMax ? [] : [`--hubs ${script.hubsMax}`]),
    ...(bug === undefined ? [] : [`--bug ${bug}`]),
    ...(world === "clusterset" ? [] : [`--world ${world}`]),
  ];
  return options.join(" ");
}

async function runOne(seed: number): Promise<number> {
  const result = await runSeed(seed, job);
  if (result.violation === undefined) {
    print(`seed ${seed}: ${result.steps} steps, every invariant holds`);
    return 0;
  }
  print(`${failureText(result)}\nshrinking ...`);
  for (const line of (await simulation.explain(seed, job)) ?? []) print(line);
  return 1;
}

function parseWorld(text: string): WorldKind {
  if (text === "clusterset" || text === "hub" || text === "paths") return text;
  return fail(`--world must be clusterset, hub or paths: got ${text}`);
}

function count(name: "seed" | "seeds" | "from" | "jobs" | "rounds" | "steps" | "hubs"): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) {
    fail(`--${name} must be a whole number: got ${values[name]}`);
  }
  return number;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

import { parseArgs } from "node:util";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { PLANTED_BUGS } from "./bugs/planted-bugs.ts";
import { runScript } from "./run-script.ts";
import { DEFAULT_SCRIPT, drawScript } from "./script/draw-script.ts";
import { shrinkScript } from "./script/shrink-script.ts";
import { stepText } from "./script/step.ts";
import { CORRECT } from "./world/wiring.ts";

/**
 * `npm run sim -- --seed 42` runs one seed, and when it fails prints the smallest script that fails likewise, with its trace.
 * `npm run sim -- --seeds 10000 [--from 1]` runs many. `--rounds`, `--steps` make scripts longer, `--bug NAME` plants a bug.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    rounds: { type: "string", default: String(DEFAULT_SCRIPT.rounds) },
    steps: { type: "string", default: String(DEFAULT_SCRIPT.stepsPerRound) },
    bug: { type: "string" },
  },
});
const options = { rounds: count("rounds"), stepsPerRound: count("steps") };
const bug = PLANTED_BUGS.find(({ name }) => name === values.bug);
if (values.bug !== undefined && bug === undefined) {
  fail(
    `--bug must be one of ${PLANTED_BUGS.map(({ name }) => name).join(", ")}: got ${values.bug}`,
  );
}
const wiring = bug?.wiring ?? CORRECT;
process.exitCode = values.seed === undefined ? await runMany() : await runOne(count("seed"));

async function runMany(): Promise<number> {
  const startMs = systemClock.monotonicMs();
  const [from, seeds] = [count("from"), count("seeds")];
  let steps = 0;
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = await runScript(drawScript(seed, options), wiring);
    steps += result.steps;
    if (result.violation === undefined) continue;
    failed += 1;
    print(`seed ${seed}: ${result.violation.invariant} ${result.violation.text}`);
  }
  const seconds = (systemClock.monotonicMs() - startMs) / 1_000;
  const rate = (steps / seconds).toFixed(0);
  print(
    `${seeds} seeds, ${failed} failed, ${steps} steps in ${seconds.toFixed(1)} s: ${rate} steps/s`,
  );
  return failed === 0 ? 0 : 1;
}

async function runOne(seed: number): Promise<number> {
  const script = drawScript(seed, options);
  const { violation } = await runScript(script, wiring);
  if (violation === undefined) {
    print(`seed ${seed}: ${script.steps.length} steps, every invariant holds`);
    return 0;
  }
  print(`seed ${seed}: ${violation.invariant} ${violation.text}\nshrinking ...`);
  const smallest = await shrinkScript(script, async (candidate) => {
    const result = await runScript(candidate, wiring);
    return result.violation?.invariant === violation.invariant;
  });
  const { trace } = await runScript(smallest, wiring);
  print(`members ${JSON.stringify(smallest.members)}`);
  print(`smallest script, ${smallest.steps.length} of ${script.steps.length} steps:`);
  for (const step of smallest.steps) print(`  ${stepText(step)}`);
  print(`trace:\n${trace.join("\n")}`);
  return 1;
}

function count(name: "seed" | "seeds" | "from" | "rounds" | "steps"): number {
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

import { parseArgs } from "node:util";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { drawScript } from "./script/draw-script.ts";
import { runScript } from "./run-script.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, seeds: { type: "string" }, from: { type: "string" } } });
const from = Number(values.seed ?? values.from ?? 1);
const count = values.seed === undefined ? Number(values.seeds ?? 50) : 1;
const start = systemClock.monotonicMs();
let steps = 0, failed = 0;
for (let seed = from; seed < from + count; seed++) {
  const r = await runScript(drawScript(seed));
  steps += r.steps;
  if (r.violation) { failed++; process.stdout.write(`seed ${seed}: ${r.violation.invariant} ${r.violation.text}\n`); if (count === 1) process.stdout.write(r.trace.slice(-200).join("\n") + "\n"); }
}
process.stdout.write(`${count} seeds, ${failed} failed, ${steps} steps, ${(systemClock.monotonicMs() - start).toFixed(0)} ms\n`);

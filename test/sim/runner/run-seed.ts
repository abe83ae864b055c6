import { PLANTED_BUGS } from "../bugs/planted-bugs.ts";
import type { Violation } from "../check/violation.ts";
import { runScript } from "../run-script.ts";
import { drawScript, type ScriptOptions } from "../script/draw-script.ts";
import { CORRECT } from "../world/wiring.ts";

/** What to do with each seed: plain data, so that it can go to another thread. */
export interface SeedJob {
  readonly script: ScriptOptions;
  /** Name of a planted bug. @default none */
  readonly bug?: string;
}

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  /** Undefined: every invariant holds. */
  readonly violation: Violation | undefined;
}

export async function runSeed(seed: number, { script, bug }: SeedJob): Promise<SeedResult> {
  const wiring = PLANTED_BUGS.find(({ name }) => name === bug)?.wiring ?? CORRECT;
  const { steps, violation } = await runScript(drawScript(seed, script), wiring);
  return { seed, steps, violation };
}

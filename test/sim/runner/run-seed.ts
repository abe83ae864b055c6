import type { Violation } from "../check/violation.ts";
import { SIMULATIONS, type SimulationJob, type WorldKind } from "./simulations.ts";

/** What to do with each seed: plain data, so that it can go to another thread. */
export interface SeedJob extends SimulationJob {
  /** @default "clusterset" */
  readonly world?: WorldKind;
}

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  /** Undefined: every invariant holds. */
  readonly violation: Violation | undefined;
}

export async function runSeed(seed: number, job: SeedJob): Promise<SeedResult> {
  const { steps, violation } = await SIMULATIONS[job.world ?? "clusterset"].run(seed, job);
  return { seed, steps, violation };
}

import { checkConverged } from "./check/check-converged.ts";
import type { Report, Violation } from "./check/violation.ts";
import { type CheckpointAction, type Script, stepText } from "./script/step.ts";
import { rest } from "./world/rest.ts";
import type { SimCluster } from "./world/sim-cluster.ts";
import { CORRECT, type Wiring } from "./world/wiring.ts";
import { World } from "./world/world.ts";

export interface RunResult {
  /** The first broken promise; undefined when all held. */
  readonly violation: Violation | undefined;
  readonly trace: readonly string[];
  readonly steps: number;
}

const TRACE_LINES_MAX = 5_000;

/** Runs a script to its end or to the first violation. The same script and wiring give the same result, always. */
export async function runScript(script: Script, wiring: Wiring = CORRECT): Promise<RunResult> {
  const trace: string[] = [];
  const violations: Violation[] = [];
  const note = (text: string): void => {
    // BOUNDED: by TRACE_LINES_MAX, the newest.
    if (trace.length >= TRACE_LINES_MAX) trace.shift();
    trace.push(`${(world.clock.monotonicMs() / 1_000).toFixed(3).padStart(9)}s  ${text}`);
  };
  const report = (invariant: string, text: string): void => {
    violations.push({ invariant, text });
    note(`VIOLATION of ${invariant}: ${text}`);
  };
  const world = new World(script, { wiring, report, note });
  let steps = 0;
  try {
    await world.begin();
    const isChecked = script.steps.at(-1)?.action.kind === "checkpoint";
    for (const step of [...script.steps, ...(isChecked ? [] : [LAST])]) {
      note(`> ${stepText(step)}`);
      const { action, waitMs } = step;
      if (action.kind === "checkpoint") await checkpoint(world, action, report);
      else await world.perform(action);
      await world.clock.advance(waitMs);
      steps += 1;
      if (violations.length > 0) break;
    }
  } finally {
    world.stop();
  }
  return { violation: violations[0], trace, steps };
}

const LAST = { action: { kind: "checkpoint", loseBroker: false, lost: [] }, waitMs: 0 } as const;

async function checkpoint(
  world: World,
  { loseBroker, lost }: CheckpointAction,
  report: (invariant: string, text: string) => void,
): Promise<void> {
  const check = (gone: ReadonlySet<SimCluster> = new Set()): void => {
    const dns = world.members.flatMap((member) => member.dns ?? []);
    // Whatever is wrong only while somebody is lost is about that.
    const told: Report = gone.size === 0 ? report : (_, text) => report("I8", text);
    checkConverged({ clusters: world.clusters, dns, lost: gone }, told);
  };
  await rest(world, report, { loseBroker, lost, check });
  world.lifetime.checkpointed();
}

import { checkConverged } from "./check/check-converged.ts";
import type { Report } from "./check/violation.ts";
import { restWithPaths } from "./paths/rest-with-paths.ts";
import { type RunResult, runSteps } from "./run-steps.ts";
import { type CheckpointAction, type Script, stepText } from "./script/step.ts";
import { rest } from "./world/rest.ts";
import type { SimCluster } from "./world/sim-cluster.ts";
import { CORRECT, type Wiring } from "./world/wiring.ts";
import { World } from "./world/world.ts";

/** Runs a script to its end or to the first violation. The same script and wiring give the same result, always. */
export function runScript(script: Script, wiring: Wiring = CORRECT): Promise<RunResult> {
  const isChecked = script.steps.at(-1)?.action.kind === "checkpoint";
  return runSteps({
    steps: [...script.steps, ...(isChecked ? [] : [LAST])],
    make: (observers) => new World(script, { wiring, ...observers }),
    text: stepText,
    take: (world, { action }, report) =>
      action.kind === "checkpoint" ? checkpoint(world, action, report) : world.perform(action),
  });
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
  if (world.paths === undefined) await rest(world, report, { loseBroker, lost, check });
  else await restWithPaths(world, report);
  world.lifetime.checkpointed();
}

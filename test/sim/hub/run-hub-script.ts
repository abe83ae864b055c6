import type { Report } from "../check/violation.ts";
import { type RunResult, runSteps } from "../run-steps.ts";
import { checkHub, isSettled } from "./check-hub.ts";
import { type HubScript, type HubStep, hubStepText } from "./hub-script.ts";
import { CORRECT_HUB, type HubWiring } from "./hub-wiring.ts";
import { HubWorld } from "./hub-world.ts";
import { LIFE_MS } from "./sim-authority.ts";

/** Longer than any backoff, heartbeat, doubt or beat of the product. */
const CALM_MS = 75_000;
/** Of a rotation: two phases, each longer than the longest life. */
const AGES_MS = 2.5 * LIFE_MS;
/** Of a stream that moves. */
const SETTLE_SECONDS = 10;
const LAST: HubStep = { action: { kind: "checkpoint", ages: false }, waitMs: 0 };

/** Runs a script to its end or to the first violation. The same script and wiring give the same result, always. */
export function runHubScript(
  script: HubScript,
  wiring: HubWiring = CORRECT_HUB,
): Promise<RunResult> {
  const isChecked = script.steps.at(-1)?.action.kind === "checkpoint";
  return runSteps({
    steps: [...script.steps, ...(isChecked ? [] : [LAST])],
    make: (observers) => new HubWorld(script, { wiring, ...observers }),
    text: hubStepText,
    take: (world, { action }, report) =>
      action.kind === "checkpoint" ? checkpoint(world, action.ages, report) : world.perform(action),
  });
}

async function checkpoint(world: HubWorld, ages: boolean, report: Report): Promise<void> {
  world.calm();
  await world.clock.advance(CALM_MS);
  world.settleAdmin();
  await world.clock.advance(CALM_MS);
  await check(world, report);
  if (!ages) return;
  await world.clock.advance(AGES_MS);
  await check(world, report);
}

async function check(world: HubWorld, report: Report): Promise<void> {
  for (let second = 0; second < SETTLE_SECONDS && !isSettled(world); second += 1) {
    await world.clock.advance(1_000);
  }
  checkHub(world, report);
}

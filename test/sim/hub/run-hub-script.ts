import type { Report, Violation } from "../check/violation.ts";
import type { RunResult } from "../run-script.ts";
import { checkHub, isSettled } from "./check-hub.ts";
import { type HubScript, type HubStep, hubStepText } from "./hub-script.ts";
import { CORRECT_HUB, type HubWiring } from "./hub-wiring.ts";
import { HubWorld } from "./hub-world.ts";
import { LIFE_MS } from "./sim-authority.ts";

const TRACE_LINES_MAX = 5_000;
/** Longer than any backoff, heartbeat, doubt or beat of the product. */
const CALM_MS = 75_000;
/** Of a rotation: two phases, each longer than the longest life. */
const AGES_MS = 2.5 * LIFE_MS;
/** Of a stream that moves. */
const SETTLE_SECONDS = 10;
const LAST: HubStep = { action: { kind: "checkpoint", ages: false }, waitMs: 0 };

/** Runs a script to its end or to the first violation. The same script and wiring give the same result, always. */
export async function runHubScript(
  script: HubScript,
  wiring: HubWiring = CORRECT_HUB,
): Promise<RunResult> {
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
  const world = new HubWorld(script, { wiring, report, note });
  let steps = 0;
  try {
    await world.begin();
    const isChecked = script.steps.at(-1)?.action.kind === "checkpoint";
    for (const step of [...script.steps, ...(isChecked ? [] : [LAST])]) {
      note(`> ${hubStepText(step)}`);
      const { action, waitMs } = step;
      if (action.kind === "checkpoint") await checkpoint(world, action.ages, report);
      else world.perform(action);
      await world.clock.advance(waitMs);
      steps += 1;
      if (violations.length > 0) break;
    }
  } finally {
    world.stop();
  }
  return { violation: violations[0], trace, steps };
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

import { Draw } from "../../../runtime/random/draw.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { fault, opening, userAction } from "../script/draw-script.ts";
import { SIM_NAMESPACES } from "../script/service-shapes.ts";
import {
  type Action,
  type PathAction,
  type PathCondition,
  type Script,
  SIM_BACKENDS,
  type Step,
} from "../script/step.ts";
import { PIN_SETS } from "./pin-sets.ts";

const FAULT_STEPS = 10;
const PATH_STEPS = 14;
const GUESTS = 3;
const WAITS_MS = [0, 0, 20, 500, 2_000, 2_000];
/** Some long enough for a better path to be trusted again. */
const PATH_WAITS_MS = [0, 0, 300, 2_000, 8_000, 16_000];

/**
 * Draws a script about paths: users, faults and paths in any order, then, when everything but the paths has been mended,
 * paths and pins alone, where everything has to follow within its second.
 */
export function drawPathScript(seed: number): Script {
  const draw = new Draw(seededRandom(seed));
  const memberCount = draw.chance(0.3) ? 2 : 3;
  const members = Array.from({ length: memberCount }, () => ({
    clockSkewMs: draw.chance(0.5) ? 0 : draw.below(120_000) - 60_000,
    namespaces: [...SIM_NAMESPACES],
    families: ["IPv4"] as const,
    replicas: 1,
  }));
  const overlapping = draw.chance(0.3) ? [0, 1] : [];
  const steps: Step[] = [];
  for (let member = 0; member < memberCount; member += 1) {
    steps.push(...opening(draw, member), ...opening(draw, member));
  }
  for (let step = 0; step < FAULT_STEPS; step += 1) {
    const action = mixed(draw, memberCount);
    steps.push({ action, waitMs: draw.one(WAITS_MS) });
  }
  steps.push(CHECKPOINT);
  for (let step = 0; step < PATH_STEPS; step += 1) {
    const action = draw.chance(0.12)
      ? userAction(draw, memberCount)
      : pathAction(draw, memberCount, CERTAIN);
    steps.push({ action, waitMs: draw.one(PATH_WAITS_MS) });
  }
  steps.push(CHECKPOINT);
  return { seed, hubs: draw.chance(0.5) ? 1 : 2, members, steps, paths: { overlapping } };
}

/** A path that loses packets at random is neither up nor down: nothing can be said of it. */
const CERTAIN: readonly PathCondition[] = ["blackhole", "open"];

const CHECKPOINT: Step = {
  action: { kind: "checkpoint", loseBroker: false, lost: [] },
  waitMs: 0,
};

function mixed(draw: Draw, members: number): Action {
  if (draw.chance(0.1)) {
    const what = draw.one(["join", "join", "leave"]);
    return { kind: "guest", guest: draw.below(GUESTS), what };
  }
  const kind = draw.below(3);
  if (kind === 0) return userAction(draw, members);
  return kind === 1 ? fault(draw, members) : pathAction(draw, members, ["lossy", ...CERTAIN]);
}

function pathAction(draw: Draw, members: number, conditions: readonly PathCondition[]): PathAction {
  if (draw.chance(0.12))
    return { kind: "pins", member: draw.below(members), pins: draw.below(PIN_SETS.length) };
  if (conditions === CERTAIN && draw.chance(0.15)) {
    const how = draw.one(["killed", "moved", "stopped", "alone"] as const);
    const downMs = draw.one([200, 1_500, 4_000]);
    return { kind: "responder", member: draw.below(members), how, downMs };
  }
  const from = draw.below(members);
  const to = (from + 1 + draw.below(members - 1)) % members;
  const [backend, condition] = [draw.one(SIM_BACKENDS), draw.one(conditions)];
  return { kind: "path", from, to, backend, condition };
}

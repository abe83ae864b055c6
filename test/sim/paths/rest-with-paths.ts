import { checkConverged } from "../check/check-converged.ts";
import type { Report } from "../check/violation.ts";
import type { World } from "../world/world.ts";

/** Longer than any backoff, heartbeat or reconnect of the product. */
const CALM_MS = 45_000;
const WINDOW_MS = 12_000;
const WINDOWS_MAX = 6;

/**
 * Ends all faults but those of paths, lets the world come to rest, and compares everything (I1, I8, I11); from then on paths
 * are answerable for what happens. Shorter than the rest of a world without paths, where every probe is an event of the clock.
 */
export async function restWithPaths(world: World, report: Report): Promise<void> {
  world.calm();
  await world.clock.advance(CALM_MS);
  if (!(await comesToRest(world))) {
    report("I9", `no rest after faults have ended; last write: ${world.writes.last}`);
    return;
  }
  const check = (told: Report): void => {
    const dns = world.members.flatMap((member) => member.dns ?? []);
    const paths = world.paths?.twin;
    checkConverged({ clusters: world.clusters, dns, lost: new Set(), paths }, told);
  };
  check(report);
  world.paths?.rested(check);
}

/** I9: a whole window without a write, longer than figures and reports wait to be written. */
async function comesToRest(world: World): Promise<boolean> {
  for (let window = 0; window < WINDOWS_MAX; window += 1) {
    const before = world.writes.all;
    await world.clock.advance(WINDOW_MS);
    if (world.writes.all === before && world.isConnected) return true;
  }
  return false;
}

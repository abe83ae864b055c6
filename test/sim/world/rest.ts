import type { Report } from "../check/violation.ts";
import type { World } from "./world.ts";

/** Longer than any backoff, heartbeat or reconnect of the product. */
const CALM_MS = 75_000;
const WINDOW_MS = 40_000;
const WINDOWS_MAX = 15;
/** Longer than bookmarks, heartbeats and retries: what comes back periodically would show. */
const IDLE_MS = 150_000;

/**
 * Ends all faults and lets the world come to rest (I1: it does), then looks at it (`check`), and at what it does when
 * nothing happens: no writes (I9), not even when the broker is lost and members restart meanwhile (I7).
 */
export async function rest(
  world: World,
  report: Report,
  { loseBroker, check }: { readonly loseBroker: boolean; readonly check: () => void },
): Promise<void> {
  world.calm();
  await world.clock.advance(CALM_MS);
  if (!(await comesToRest(world))) {
    report("I9", `no rest after faults have ended; last write: ${world.lastWrite}`);
    return;
  }
  check();
  await staysQuiet(world, "I9", "in an unchanged world", report, IDLE_MS);
  checkBounds(world, report);
  if (!loseBroker) return;
  world.broker.stop();
  await staysQuiet(world, "I7", "when the broker is lost", report, WINDOW_MS);
  const restarted = world.members[0];
  restarted?.restartControllers("crash", 100);
  restarted?.restartDns(100);
  await staysQuiet(world, "I7", "at a restart without a broker", report, WINDOW_MS);
  check();
  world.calm();
  await staysQuiet(world, "I9", "when the broker is back", report, CALM_MS + WINDOW_MS);
  check();
}

async function comesToRest(world: World): Promise<boolean> {
  for (let window = 0; window < WINDOWS_MAX; window += 1) {
    const before = world.writes;
    await world.clock.advance(WINDOW_MS);
    const isIdle = world.members.every(({ controllers }) => controllers?.controllers.idle === true);
    if (world.writes === before && world.isConnected && isIdle) return true;
  }
  return false;
}

async function staysQuiet(
  world: World,
  invariant: string,
  when: string,
  report: Report,
  ms: number,
): Promise<void> {
  const before = world.writes;
  await world.clock.advance(ms);
  if (world.writes > before) {
    report(invariant, `${world.writes - before} writes ${when}; last: ${world.lastWrite}`);
  }
}

/** Per member: five reflectors of the controllers and three of the DNS server. */
const WATCHES_PER_MEMBER = 8;
/** Per member: watch deadlines, heartbeats, bookmarks, promotions. */
const TIMERS_PER_MEMBER = 30;

/** I12: at rest nothing has piled up, whatever happened before. */
function checkBounds(world: World, report: Report): void {
  const members = world.members.length;
  for (const { id, core } of world.clusters) {
    if (core.watches.size > WATCHES_PER_MEMBER) {
      report("I12", `${core.watches.size} watches are open in ${id}: must be ${WATCHES_PER_MEMBER}`);
    }
  }
  if (world.broker.streamCount > members) {
    report("I12", `${world.broker.streamCount} streams are open for ${members} members`);
  }
  const timersMax = members * TIMERS_PER_MEMBER;
  if (world.clock.timerCount > timersMax) {
    report("I12", `${world.clock.timerCount} timers are set: must be at most ${timersMax}`);
  }
}

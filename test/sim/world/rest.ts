import { DEFAULT_STALE_AFTER_MS } from "../../../api/liveness.ts";
import type { Report } from "../check/violation.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { World } from "./world.ts";

/** Longer than any backoff, heartbeat or reconnect of the product. */
const CALM_MS = 75_000;
const WINDOW_MS = 40_000;
const WINDOWS_MAX = 5;
/** Longer than bookmarks, heartbeats and retries: what comes back periodically would show. */
const IDLE_MS = 150_000;

/**
 * Ends all faults and lets the world come to rest (I1: it does), then looks at it (`check`), and at what it does when
 * nothing happens: no writes (I9), not even when the broker is lost and members restart meanwhile (I7).
 */
export async function rest(
  world: World,
  report: Report,
  { loseBroker, lost, check }: Rest,
): Promise<void> {
  world.calm();
  await world.clock.advance(CALM_MS);
  if (!(await comesToRest(world))) {
    report("I9", `no rest after faults have ended; last write: ${world.writes.last}`);
    return;
  }
  world.checkLeadership();
  check();
  const when = "in an unchanged world";
  await staysQuiet(world, report, { invariant: "I9", when, forMs: IDLE_MS });
  checkBounds(world, report);
  if (loseBroker) await loseBrokerAtRest(world, report, check);
  if (lost.length > 0) await loseMembersAtRest(world, lost, check);
}

interface Rest {
  readonly loseBroker: boolean;
  readonly lost: readonly number[];
  /** Compares everything; endpoints of clusters that are gone must have left those that can be heard. */
  readonly check: (gone?: ReadonlySet<SimCluster>) => void;
}

/** Three silent heartbeats, the time that lost clusters are kept, and the writes that follow. */
const LOST_MS = DEFAULT_STALE_AFTER_MS + 25_000;

/** I8: members are cut off from the broker; within the bound their endpoints vanish and nobody else's, and they come back. */
async function loseMembersAtRest(
  world: World,
  lost: readonly number[],
  check: Rest["check"],
): Promise<void> {
  const gone = new Set(lost.flatMap((index) => world.clusters[index] ?? []));
  for (const { id } of gone) world.broker.cut(id);
  await world.clock.advance(LOST_MS);
  check(gone);
  world.calm();
  await world.clock.advance(CALM_MS);
  check();
}

/** I7: the broker goes, a member restarts without it, the broker comes back, and no object changes. */
async function loseBrokerAtRest(world: World, report: Report, check: Rest["check"]): Promise<void> {
  world.broker.stop();
  const lost = "when the broker is lost";
  await staysQuiet(world, report, { invariant: "I7", when: lost, forMs: WINDOW_MS });
  world.members[0]?.crashControllers(100);
  world.members[0]?.restartDns(100);
  const mayTellEvents = true;
  const alone = "at a restart without a broker";
  await staysQuiet(world, report, {
    invariant: "I7",
    when: alone,
    forMs: WINDOW_MS,
    mayTellEvents,
  });
  check();
  world.calm();
  const back = "when the broker is back";
  const forMs = CALM_MS + WINDOW_MS;
  await staysQuiet(world, report, { invariant: "I9", when: back, forMs, mayTellEvents });
  check();
}

async function comesToRest(world: World): Promise<boolean> {
  for (let window = 0; window < WINDOWS_MAX; window += 1) {
    const before = world.writes.all;
    await world.clock.advance(WINDOW_MS);
    const isIdle = world.members.every(({ term }) => term?.idle === true);
    if (world.writes.all === before && world.isConnected && isIdle) return true;
  }
  return false;
}

interface Expectation {
  readonly invariant: string;
  readonly when: string;
  readonly forMs: number;
  /** A process that starts may say again what still stands. */
  readonly mayTellEvents?: boolean;
}

async function staysQuiet(world: World, report: Report, expected: Expectation): Promise<void> {
  const { invariant, when, forMs, mayTellEvents = false } = expected;
  const count = (): number => (mayTellEvents ? world.writes.objects : world.writes.all);
  const before = count();
  await world.clock.advance(forMs);
  if (count() === before) return;
  report(invariant, `${count() - before} writes ${when}; last: ${world.writes.last}`);
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
      report(
        "I12",
        `${core.watches.size} watches are open in ${id}: must be ${WATCHES_PER_MEMBER}`,
      );
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

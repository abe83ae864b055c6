import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { CrashMember } from "./crash-member.ts";
import { CrashWorld, type Fault, type StoreKind } from "./crash-world.ts";

export interface CrashReport {
  /** Empty: no acknowledged write was lost, no row came back, all members agree. */
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly faults: number;
  readonly streams: number;
}

const MEMBERS = ["a", "b", "c"];
/** However slow the machine is. */
const FAULTS_MIN = 3;
/** After the last fault: everybody has been answered, and all agree. */
const REST_MS = 60_000;
const { signal } = new AbortController();

/** Members write under load while one part after another is killed at random; then everything comes back, and is compared. */
export async function crashRun(
  kind: StoreKind,
  options: {
    readonly durationMs: number;
    readonly seed: number;
    readonly say?: (text: string) => void;
  },
): Promise<CrashReport> {
  const { durationMs, seed, say = () => undefined } = options;
  const random = seededRandom(seed);
  await using world = await CrashWorld.start(kind);
  const members: CrashMember[] = [];
  for (const [at, id] of MEMBERS.entries()) {
    const identity = await world.join(id);
    const own = seededRandom(seed * 100 + at);
    members.push(new CrashMember({ identity, ports: world.ports, random: own }));
  }
  for (const member of members) member.start();
  let faults = 0;
  const untilMs = systemClock.monotonicMs() + durationMs;
  while (systemClock.monotonicMs() < untilMs || faults < FAULTS_MIN) {
    await sleep(systemClock, 200 + 800 * random.next(), signal);
    const fault: Fault | undefined = world.faults[Math.floor(random.next() * world.faults.length)];
    if (fault === undefined) break;
    say(
      `${fault.name}; ${members.map((member) => member.acknowledgedCount).join(" ")} acknowledged`,
    );
    faults += 1;
    await fault.break();
    await sleep(systemClock, 100 + 1500 * random.next(), signal);
    await fault.mend();
  }
  for (const member of members) member.quiesce();
  const disagreement = await rest(members);
  for (const member of members) await member.stop();
  return {
    problems: [...members.flatMap(({ problems }) => problems), ...disagreement],
    acknowledged: sum(members.map((member) => member.acknowledgedCount)),
    streams: sum(members.map(({ streams }) => streams)),
    faults,
  };
}

/** Waits until all members are settled and show the same; then says what differs. */
async function rest(members: readonly CrashMember[]): Promise<readonly string[]> {
  const untilMs = systemClock.monotonicMs() + REST_MS;
  for (;;) {
    const differing = differences(members);
    if (differing.length === 0 || systemClock.monotonicMs() >= untilMs) return differing;
    await sleep(systemClock, 50, signal);
  }
}

function differences(members: readonly CrashMember[]): string[] {
  const found = members.flatMap(({ cluster, isSettled }) =>
    isSettled ? [] : [`${cluster} has writes without an answer`],
  );
  for (const owner of members) {
    const wanted = texts(owner.rows());
    for (const reader of members) {
      if (reader === owner) continue;
      const shown = texts(reader.mirror.get(owner.cluster) ?? new Map());
      if (shown === wanted) continue;
      found.push(`${reader.cluster} shows of ${owner.cluster}: ${shown}, not ${wanted}`);
    }
  }
  return found;
}

function texts(rows: ReadonlyMap<string, number>): string {
  return [...rows]
    .map(([key, version]) => `${key}=${version}`)
    .sort()
    .join(" ");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

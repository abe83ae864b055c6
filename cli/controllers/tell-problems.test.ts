import { beforeEach, expect, test } from "vitest";
import type { EventDraft } from "../../controllers/events/event-draft.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { ProblemTeller } from "./tell-problems.ts";

const { signal } = new AbortController();
const WRONG = 'ClusterProperty id must be "east": got "west"';
let clock: VirtualClock;
let told: string[];
let teller: ProblemTeller;
beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  const log = {
    ...silentLogger,
    warn: (text: string, fields: unknown) => void told.push(`${text} ${JSON.stringify(fields)}`),
    info: (text: string) => void told.push(text),
  };
  const record = (about: { readonly metadata: object }, { type, reason, note }: EventDraft) =>
    void told.push(`${type} ${reason} ${JSON.stringify(about.metadata)}: ${note}`);
  teller = new ProblemTeller("isthmus-system", { events: { record }, clock, log });
});

async function see(problem: string | undefined, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    teller.look(problem, signal);
    await clock.advance(1_000);
  }
}

const LEASE = '{"namespace":"isthmus-system","name":"isthmus-member"}';

test("what stands for five seconds is told once, and its end too", async () => {
  await see(WRONG, 30);
  expect(told).toEqual([
    `not ready ${JSON.stringify({ problem: WRONG })}`,
    `Warning NotReady ${LEASE}: ${WRONG}`,
  ]);
  await see(undefined, 5);
  expect(told.slice(2)).toEqual(["ready", expect.stringContaining(`Normal Ready ${LEASE}`)]);
  await see(WRONG, 10);
  expect(told).toHaveLength(6);
});

test("another reason is another thing to tell", async () => {
  await see("waiting for the broker", 10);
  await see(WRONG, 10);
  expect(told.filter((line) => line.startsWith("Warning"))).toHaveLength(2);
});

test("what passes is told to nobody", async () => {
  for (let round = 0; round < 10; round += 1) {
    await see("first list under way", 3);
    await see(undefined, 1);
  }
  expect(told).toEqual([]);
});

test("a last word needs no time", () => {
  teller.tell(WRONG, signal);
  expect(told).toHaveLength(2);
});

import { expect, test } from "vitest";
import { sleep } from "../../runtime/clock/sleep.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { paced } from "./paced.ts";

const { signal } = new AbortController();

async function run(
  attempt: (clock: VirtualClock) => Promise<boolean>,
  pace: Parameters<typeof paced>[1],
): Promise<Awaited<ReturnType<typeof paced>>> {
  const clock = new VirtualClock();
  const done = paced(() => attempt(clock), pace, { clock, signal });
  await clock.advance(60_000);
  return done;
}

test("so many tries a second, however long an answer takes", async () => {
  const slow = async (clock: VirtualClock): Promise<boolean> => {
    await sleep(clock, 250, signal);
    return true;
  };
  const samples = await run(slow, { perSecond: 10, durationMs: 2_000, atOnce: 5 });
  expect(samples).toMatchObject({ failed: 0, skipped: 0, elapsedMs: 2_150 });
  expect(samples.ms).toEqual(Array.from({ length: 20 }, () => 250));
});

test("no more at once than allowed: the rest is not made, and said", async () => {
  let now = 0;
  let most = 0;
  const slow = async (clock: VirtualClock): Promise<boolean> => {
    now += 1;
    most = Math.max(most, now);
    await sleep(clock, 1_000, signal);
    now -= 1;
    return true;
  };
  const samples = await run(slow, { perSecond: 10, durationMs: 2_000, atOnce: 2 });
  expect(most).toBe(2);
  expect(samples.ms.length + samples.skipped).toBe(20);
  expect(samples.skipped).toBeGreaterThan(10);
});

test("what throws and what is false has failed", async () => {
  let index = 0;
  const attempt = async (): Promise<boolean> => {
    index += 1;
    if (index % 3 === 0) throw new Error("reset");
    return index % 3 === 1;
  };
  const samples = await run(attempt, { perSecond: 3, durationMs: 1_000, atOnce: 1 });
  expect(samples).toMatchObject({ failed: 2, skipped: 0 });
  expect(samples.ms).toHaveLength(1);
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { silentLogger } from "../../log/silent-log.ts";
import { silentMeter } from "../../metrics/silent-meter.ts";
import { seededRandom } from "../../random/seeded-random.ts";
import type { Job, JobOutcome, WorkQueueOptions } from "./work-queue.ts";
import { WorkQueue } from "./work-queue.ts";

const DONE: JobOutcome = { kind: "done" };

function aQueue(job: Job, options: Partial<WorkQueueOptions> = {}) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const queue = new WorkQueue({ name: "test", ...options }, job, {
    clock,
    random: seededRandom(1),
    log: silentLogger,
    meter: silentMeter,
  });
  return { clock, stop, queue };
}

describe("WorkQueue", () => {
  test("keys added before the start run after it", async () => {
    const ran: string[] = [];
    const { clock, queue, stop } = aQueue(async (key) => (ran.push(key), DONE));
    queue.add("a");
    queue.add("a");
    await clock.advance(1);
    expect(ran).toEqual([]);
    queue.start(stop.signal);
    await clock.advance(1);
    expect(ran).toEqual(["a"]);
  });

  test("a failing key backs off with growing delays while others go on; success resets", async () => {
    const atMs: number[] = [];
    let failing = true;
    const { clock, queue, stop } = aQueue(
      async (key) => {
        if (key !== "bad") return DONE;
        atMs.push(clock.monotonicMs());
        return failing ? { kind: "failed", error: new Error("no") } : DONE;
      },
      { backoff: { firstMs: 100, maxMs: 1_000 } },
    );
    queue.start(stop.signal);
    queue.add("bad");
    await clock.advance(10_000);
    const gaps = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0));
    expect(gaps.length).toBeGreaterThan(8);
    gaps.forEach((gap, index) => {
      const full = Math.min(1_000, 100 * 2 ** index);
      expect(gap).toBeGreaterThanOrEqual(full / 2);
      expect(gap).toBeLessThanOrEqual(full + 1);
    });
    failing = false;
    await clock.advance(2_000);
    const runs = atMs.length;
    await clock.advance(60_000);
    expect(atMs.length).toBe(runs);
    failing = true;
    queue.add("bad");
    await clock.advance(100);
    expect(atMs.length).toBe(runs + 2);
  });

  test("retryAfterMs and again-after are kept", async () => {
    const atMs: number[] = [];
    const outcomes: JobOutcome[] = [
      { kind: "failed", error: "throttled", retryAfterMs: 5_000 },
      { kind: "again-after", delayMs: 300 },
      DONE,
    ];
    const { clock, queue, stop } = aQueue(async () => {
      atMs.push(clock.monotonicMs());
      return outcomes.shift() ?? DONE;
    });
    queue.start(stop.signal);
    queue.add("a");
    await clock.advance(20_000);
    expect(atMs).toEqual([0, 5_000, 5_300]);
  });

  test("a job that throws is retried and does not end the queue", async () => {
    let runs = 0;
    const { clock, queue, stop } = aQueue(async () => {
      runs += 1;
      if (runs === 1) throw new Error("bug");
      return DONE;
    });
    queue.start(stop.signal);
    queue.add("a");
    await clock.advance(1_000);
    expect(runs).toBe(2);
  });

  test("the stop waits for jobs under way, starts no others, and is bounded", async () => {
    const ran: string[] = [];
    let finish = (): void => undefined;
    let aborted = false;
    const { clock, queue, stop } = aQueue(
      (key, signal) => {
        ran.push(key);
        signal.addEventListener("abort", () => (aborted = true));
        return new Promise((resolve) => (finish = () => resolve(DONE)));
      },
      { concurrency: 1, drainMs: 1_000 },
    );
    queue.start(stop.signal);
    queue.add("a");
    queue.add("b");
    stop.abort();
    let ended = false;
    void queue.stopped().then(() => (ended = true));
    await clock.advance(500);
    expect({ ran, ended, aborted }).toEqual({ ran: ["a"], ended: false, aborted: false });
    finish();
    await clock.advance(1);
    expect({ ran, ended }).toEqual({ ran: ["a"], ended: true });
  });

  test("a job that will not end is aborted after the drain time", async () => {
    const { clock, queue, stop } = aQueue(() => new Promise(() => undefined), { drainMs: 1_000 });
    queue.start(stop.signal);
    queue.add("a");
    stop.abort();
    let ended = false;
    void queue.stopped().then(() => (ended = true));
    await clock.advance(999);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(ended).toBe(true);
  });

  test("every add is followed by a run that starts after it; one per key, bounded in all", async () => {
    const step = fc.record({ key: fc.constantFrom("a", "b", "c", "d"), afterMs: fc.nat(20) });
    const job = fc.record({ lastsMs: fc.nat(30), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.array(job), async (steps, jobs) => {
        const running = new Set<string>();
        const unserved = new Set<string>();
        const { clock, queue, stop } = aQueue(
          async (key) => {
            expect(running.has(key)).toBe(false);
            running.add(key);
            unserved.delete(key);
            expect(running.size).toBeLessThanOrEqual(2);
            const { lastsMs, fails } = jobs.shift() ?? { lastsMs: 1, fails: false };
            await new Promise<void>((resolve) => clock.setTimer(lastsMs, resolve));
            running.delete(key);
            return fails ? { kind: "failed", error: "chance" } : DONE;
          },
          { concurrency: 2 },
        );
        queue.start(stop.signal);
        for (const { key, afterMs } of steps) {
          unserved.add(key);
          queue.add(key);
          await clock.advance(afterMs);
        }
        await clock.advance(600_000);
        expect([...unserved]).toEqual([]);
        expect(queue.idle).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

import { describe, expect, test } from "vitest";
import type { Clock } from "./clock.ts";

/** A clock under test, and how its time passes: really, or by being told to. */
export interface ClockSubject {
  readonly clock: Clock;
  readonly pass: (ms: number) => Promise<void>;
}

/** What every clock must keep to. */
export function describeClock(name: string, make: () => ClockSubject): void {
  describe(`${name} keeps the clock's contract`, () => {
    test("monotonic time goes forward with the time that passes", async () => {
      const { clock, pass } = make();
      const before = clock.monotonicMs();
      await pass(5);
      expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(4);
    });

    test("wall time is epoch milliseconds", () => {
      const { clock } = make();
      expect(clock.nowMs()).toBeGreaterThan(Date.UTC(2025, 0, 1));
    });

    test("timers fire once, in the order of their times, and never before them", async () => {
      const { clock, pass } = make();
      const start = clock.monotonicMs();
      const fired: { name: string; afterMs: number }[] = [];
      for (const [timer, delayMs] of [
        ["late", 20],
        ["soon", 5],
        ["now", 0],
      ] as const) {
        clock.setTimer(delayMs, () => {
          fired.push({ name: timer, afterMs: clock.monotonicMs() - start });
        });
      }
      await pass(60);
      expect(fired.map((timer) => timer.name)).toEqual(["now", "soon", "late"]);
      // The machine's timers count in whole milliseconds.
      expect(fired[2]?.afterMs).toBeGreaterThanOrEqual(19);
    });

    test("a cancelled timer does not fire; cancelling late or twice is harmless", async () => {
      const { clock, pass } = make();
      let count = 0;
      const cancelled = clock.setTimer(5, () => {
        count += 1;
      });
      const kept = clock.setTimer(5, () => {
        count += 10;
      });
      cancelled.cancel();
      cancelled.cancel();
      await pass(30);
      kept.cancel();
      expect(count).toBe(10);
    });
  });
}

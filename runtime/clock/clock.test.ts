import { describe, expect, test } from "vitest";
import { describeClock } from "./clock.compliance.ts";
import { DeadlineError, deadline } from "./deadline.ts";
import { sleep } from "./sleep.ts";
import { systemClock } from "./system-clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

// The one place where real time has to pass: the system clock is tested by it.
describeClock("the system clock", () => ({
  clock: systemClock,
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

describeClock("the virtual clock", () => {
  const clock = new VirtualClock();
  return { clock, pass: (ms) => clock.advance(ms) };
});

describe("sleep", () => {
  test("lasts as long as it says, and no longer than the signal", async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const woken: string[] = [];
    void sleep(clock, 100, abort.signal).then(() => woken.push("rested"));
    void sleep(clock, 1_000, abort.signal).then(() => woken.push("called"));
    await clock.advance(99);
    expect(woken).toEqual([]);
    await clock.advance(1);
    expect(woken).toEqual(["rested"]);
    abort.abort();
    await clock.advance(0);
    expect(woken).toEqual(["rested", "called"]);
    expect(clock.timerCount).toBe(0);
  });
});

describe("deadline", () => {
  test("aborts when its time has passed, and says so", async () => {
    const clock = new VirtualClock();
    using limit = deadline(clock, 50);
    await clock.advance(49);
    expect(limit.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(limit.signal.reason).toBeInstanceOf(DeadlineError);
  });

  test("aborts with its parent, and leaves no timer behind", () => {
    const clock = new VirtualClock();
    const parent = new AbortController();
    {
      using limit = deadline(clock, 50, parent.signal);
      parent.abort(new Error("stop"));
      expect(limit.signal.reason).toEqual(new Error("stop"));
    }
    expect(clock.timerCount).toBe(0);
  });
});

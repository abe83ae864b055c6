import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { servesAlone } from "./local-preference.ts";

/** What is decided for a share that changes: "L" the local cluster alone, "A" all. */
function decisions(total: number, threshold: number, readyCounts: readonly number[]): string {
  let hasSpilled = false;
  return readyCounts
    .map((ready) => {
      hasSpilled = !servesAlone({ ready, total }, threshold, hasSpilled);
      return hasSpilled ? "A" : "L";
    })
    .join("");
}

describe("decision 0005: the local cluster alone", () => {
  test.each([
    { name: "down to the threshold itself", total: 4, ready: [4, 3, 2, 1], want: "LLLA" },
    { name: "back one endpoint above it", total: 4, ready: [1, 2, 3], want: "AAL" },
    {
      name: "one endpoint that flaps moves clients once",
      total: 3,
      ready: [2, 1, 2, 1, 2, 3],
      want: "LAAAAL",
    },
    { name: "of two, back when both are ready", total: 2, ready: [2, 1, 0, 1, 2], want: "LLAAL" },
    { name: "of one, back with it", total: 1, ready: [1, 0, 1], want: "LAL" },
    { name: "ten points above, of many", total: 100, ready: [50, 49, 50, 59, 60], want: "LAAAL" },
    { name: "never alone with nothing", total: 0, ready: [0], want: "A" },
  ])("$name", ({ total, ready, want }) => {
    expect(decisions(total, 0.5, ready)).toBe(want);
  });

  test.each([
    { threshold: 0, ready: [1, 0, 1, 2], want: "LAAL" },
    { threshold: 1, ready: [10, 9, 10], want: "LAL" },
    { threshold: 0.95, ready: [10, 9, 10], want: "LAL" },
    { threshold: 0.2, ready: [2, 1, 2, 3], want: "LAAL" },
  ])("threshold $threshold of ten", ({ threshold, ready, want }) => {
    expect(decisions(10, threshold, ready)).toBe(want);
  });

  test("laws: never below the threshold; whole is always alone; having spilled asks for more, never for less", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 200 })
          .chain((total) => fc.tuple(fc.constant(total), fc.nat(total))),
        fc.nat(100),
        ([total, ready], percent) => {
          const health = { ready, total };
          const threshold = percent / 100;
          const before = servesAlone(health, threshold, false);
          const after = servesAlone(health, threshold, true);
          expect(before).toBe(ready > 0 && ready / total >= threshold);
          if (after) expect(before).toBe(true);
          if (ready === total) expect(after).toBe(true);
        },
      ),
    );
  });
});

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { percentile, summaryOf } from "./samples.ts";

test.each([
  { values: [1], percent: 50, want: 1 },
  { values: [1, 2, 3, 4], percent: 50, want: 2 },
  { values: [1, 2, 3, 4], percent: 99, want: 4 },
  { values: Array.from({ length: 100 }, (_, index) => index + 1), percent: 99, want: 99 },
])("percentile $percent of $values.length values is $want", ({ values, percent, want }) => {
  expect(percentile(values, percent)).toBe(want);
});

test("no more of the values than said are above a percentile", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 100 }),
      (values, percent) => {
        const sorted = values.toSorted((a, b) => a - b);
        const at = percentile(sorted, percent);
        const above = sorted.filter((value) => value > at).length;
        expect(above).toBeLessThanOrEqual(((100 - percent) / 100) * sorted.length + 1e-9);
        expect(sorted).toContain(at);
      },
    ),
  );
});

test("what failed or was not made counts as failed; nothing that succeeded is nothing to tell", () => {
  const samples = { ms: [3, 1, 2], failed: 2, skipped: 1, elapsedMs: 1_500 };
  expect(summaryOf(samples)).toEqual({
    ...{ count: 3, failed: 3, perSecond: 2, p50Ms: 2, p99Ms: 3, maxMs: 3 },
  });
  expect(summaryOf({ ...samples, ms: [] })).toBeUndefined();
});

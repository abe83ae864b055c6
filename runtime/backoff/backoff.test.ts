import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../random/seeded-random.ts";
import { backoffMs } from "./backoff.ts";

const options = { firstMs: 100, maxMs: 5_000 };

test.each([
  { attempt: 0, least: 50, most: 100 },
  { attempt: 1, least: 100, most: 200 },
  { attempt: 5, least: 1_600, most: 3_200 },
  { attempt: 6, least: 2_500, most: 5_000 },
  { attempt: 1_000_000, least: 2_500, most: 5_000 },
])("attempt $attempt waits $least to $most ms", ({ attempt, least, most }) => {
  expect(backoffMs(options, attempt, { next: () => 0 })).toBe(least);
  expect(backoffMs(options, attempt, { next: () => 1 })).toBe(most);
});

test("never zero, never above the cap, whatever is drawn", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer(), (attempt, seed) => {
      const delay = backoffMs(options, attempt, seededRandom(seed));
      expect(delay).toBeGreaterThanOrEqual(options.firstMs / 2);
      expect(delay).toBeLessThanOrEqual(options.maxMs);
    }),
  );
});

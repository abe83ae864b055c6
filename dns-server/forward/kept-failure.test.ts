import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type KeptFailure, keepFailure } from "./kept-failure.ts";

test("RFC 9520, section 3.2: at least a second, longer with each failure in a row, at most five minutes", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(600_000), { minLength: 1, maxLength: 30 }), (pauses) => {
      let nowMs = 0;
      let before: KeptFailure | undefined;
      for (const pauseMs of pauses) {
        const kept = keepFailure(before, undefined, nowMs);
        expect(kept.untilMs - nowMs).toBe(kept.keptMs);
        expect(kept.keptMs).toBeGreaterThanOrEqual(1000);
        expect(kept.keptMs).toBeLessThanOrEqual(300_000);
        const isInRow = before !== undefined && nowMs < before.untilMs + 300_000;
        if (isInRow) expect(kept.keptMs).toBeGreaterThanOrEqual(before?.keptMs ?? 0);
        else expect(kept.keptMs).toBe(1000);
        before = kept;
        nowMs = kept.untilMs + pauseMs;
      }
    }),
  );
});

test("in a row: 1, 2, 4, 8, 16 and then 30 s", () => {
  let before: KeptFailure | undefined;
  const kept = Array.from({ length: 7 }, () => {
    before = keepFailure(before, undefined, before?.untilMs ?? 0);
    return before.keptMs / 1000;
  });
  expect(kept).toEqual([1, 2, 4, 8, 16, 30, 30]);
});

test("beside an old answer: as long as that is given", () => {
  expect(keepFailure(undefined, undefined, 0, 30_000).untilMs).toBe(30_000);
});

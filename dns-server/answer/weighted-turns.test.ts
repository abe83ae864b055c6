import * as fc from "fast-check";
import { expect, test } from "vitest";
import { weightedTurns } from "./weighted-turns.ts";

function countsOf(turns: Uint16Array, answers: number): number[] {
  const counts = Array.from({ length: answers }, () => 0);
  for (const answer of turns) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

test("three to one", () => {
  const counts = countsOf(weightedTurns([3, 1]), 2);
  expect(counts[0]).toBe(48);
  expect(counts[1]).toBe(16);
});

test("each comes first about as often as its share says, and none is more than two turns away from it", () => {
  const shares = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(shares, (shares) => {
      const turns = weightedTurns(shares);
      const total = shares.reduce((sum, share) => sum + share, 0);
      countsOf(turns, shares.length).forEach((count, answer) => {
        const want = (turns.length * (shares[answer] ?? 0)) / total;
        expect(Math.abs(count - want)).toBeLessThanOrEqual(4);
      });
    }),
  );
});

test("no part of the turns is without the smaller one: clients that ask seldom see it too", () => {
  const turns = weightedTurns([3, 1]);
  for (let start = 0; start + 8 <= turns.length; start++) {
    expect(turns.subarray(start, start + 8)).toContain(1);
  }
});

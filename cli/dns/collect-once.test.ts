import { expect, test } from "vitest";
import { collectOnce } from "./collect-once.ts";

test("what nobody holds is gone afterwards, also what was old", () => {
  const mebibyte = 1024 * 1024;
  const held: { dropped: number[][] } = {
    dropped: Array.from({ length: 64 }, () => Array.from({ length: mebibyte / 8 }, () => 0.5)),
  };
  const before = process.memoryUsage().heapUsed;
  held.dropped = [];
  collectOnce();
  expect(before - process.memoryUsage().heapUsed).toBeGreaterThan(48 * mebibyte);
});

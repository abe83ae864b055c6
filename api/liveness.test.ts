import { expect, test } from "vitest";
import { livenessOf } from "./liveness.ts";

test.each([
  [undefined, "alive"],
  [0, "suspect"],
  [59_999, "suspect"],
  [60_000, "gone"],
] as const)("silent for %s ms is %s", (silentMs, liveness) => {
  expect(livenessOf(silentMs, 60_000)).toBe(liveness);
});

test("who keeps lost clusters for ever never calls one gone", () => {
  expect(livenessOf(1e12, Number.POSITIVE_INFINITY)).toBe("suspect");
});

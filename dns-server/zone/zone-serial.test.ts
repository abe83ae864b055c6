import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nextSerial } from "./zone-serial.ts";

test.each([
  {
    name: "starts at the time in seconds",
    previous: undefined,
    nowMs: 1_700_000_000_999,
    want: 1_700_000_000,
  },
  {
    name: "follows the time",
    previous: 1_700_000_000,
    nowMs: 1_700_000_060_000,
    want: 1_700_000_060,
  },
  {
    name: "counts within one second",
    previous: 1_700_000_060,
    nowMs: 1_700_000_060_000,
    want: 1_700_000_061,
  },
  {
    name: "goes on when the clock jumps back",
    previous: 1_700_000_060,
    nowMs: 1_000_000_000_000,
    want: 1_700_000_061,
  },
  { name: "wraps", previous: 4_294_967_295, nowMs: 0, want: 0 },
])("$name", ({ previous, nowMs, want }) => expect(nextSerial(previous, nowMs)).toBe(want));

test("RFC 1982: always ahead of the one before, by less than half the circle", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), fc.nat(), (previous, seconds) => {
      const next = nextSerial(previous, seconds * 1000);
      const ahead = (next - previous + 2 ** 32) % 2 ** 32;
      expect(ahead).toBeGreaterThan(0);
      expect(ahead).toBeLessThanOrEqual(2 ** 31);
    }),
  );
});

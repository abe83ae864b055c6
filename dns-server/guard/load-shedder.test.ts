import * as fc from "fast-check";
import { expect, test } from "vitest";
import { admit } from "./load-shedder.ts";

/** A queue that holds what two tenths of a second of answering empties, looked at every 50 ms. */
function flooded(
  timesCapacity: number,
  ticks: number,
): { admitted: number; lost: number; filled: number } {
  let admitted = 1;
  let filled = 0;
  let lost = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const wanted = filled + 0.25 * (timesCapacity * admitted - 1);
    lost = Math.max(0, wanted - 1);
    filled = Math.min(1, Math.max(0, wanted));
    admitted = admit(admitted, filled);
  }
  return { admitted, lost, filled };
}

test("below capacity everybody is let in", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (load) => {
      expect(flooded(load, 500).admitted).toBe(1);
    }),
  );
});

test("a flood beyond capacity fills no queue for long, and capacity is still used", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1.2, max: 100, noNaN: true }),
      fc.integer({ min: 200, max: 260 }),
      (load, ticks) => {
        const { admitted, lost } = flooded(load, ticks);
        expect(lost).toBe(0);
        expect(admitted * load).toBeLessThan(5);
        expect(admitted * load).toBeGreaterThan(0.2);
      },
    ),
  );
});

test("when the flood is over everybody is let in again", () => {
  let admitted = admit(1, 1);
  expect(admitted).toBeLessThan(1);
  for (let tick = 0; tick < 100; tick++) admitted = admit(admitted, 0);
  expect(admitted).toBe(1);
});

test("some are always let in, so that the end of a flood is seen", () => {
  let admitted = 1;
  for (let tick = 0; tick < 1000; tick++) admitted = admit(admitted, 1);
  expect(admitted).toBeGreaterThan(0);
});

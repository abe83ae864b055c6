import { expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { Places } from "./places.ts";

test("so many are let in, and one more for each who leaves", () => {
  const places = new Places(2, { clock: new VirtualClock(), onFull: () => undefined });
  expect([places.tryTake(), places.tryTake(), places.tryTake()]).toEqual([true, true, false]);
  places.giveBack();
  expect([places.tryTake(), places.tryTake()]).toEqual([true, false]);
  expect(places.taken).toBe(2);
});

test("that there is no place is said at once, and then once a minute however many come", async () => {
  const clock = new VirtualClock();
  let told = 0;
  const places = new Places(1, { clock, onFull: () => (told += 1) });
  places.tryTake();
  expect(told).toBe(0);
  for (let n = 0; n < 1_000; n++) places.tryTake();
  expect(told).toBe(1);
  await clock.advance(59_999);
  places.tryTake();
  expect(told).toBe(1);
  await clock.advance(1);
  places.tryTake();
  places.tryTake();
  expect(told).toBe(2);
});

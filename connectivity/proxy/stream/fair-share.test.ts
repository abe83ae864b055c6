import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FairShare } from "./fair-share.ts";

/** Takes one by one until there is no more; how many. */
function takeAll(holder: () => FairShare): number {
  let taken = 0;
  while (holder().tryTake(1)) taken += 1;
  return taken;
}

test("one holder has nine tenths, the next nine tenths of the rest", () => {
  const all = new FairShare(1_000);
  expect(takeAll(() => all.holder("a"))).toBe(900);
  expect(takeAll(() => all.holder("b"))).toBe(90);
  expect(all.used).toBe(990);
});

test("a holder may have nine tenths of what the others leave, whoever came first", () => {
  const all = new FairShare(1_000);
  expect(all.holder("a").tryTake(300)).toBe(true);
  expect(takeAll(() => all.holder("b"))).toBe(630);
  expect(takeAll(() => all.holder("a"))).toBe(33);
  expect(takeAll(() => all.holder("b"))).toBe(0);
});

test("what is given back anybody may have", () => {
  const all = new FairShare(1_000);
  const a = all.holder("a");
  expect(a.tryTake(900)).toBe(true);
  a.giveBack(900);
  expect(all.used).toBe(0);
  expect(takeAll(() => all.holder("b"))).toBe(900);
});

test("holders of a holder share what it may have", () => {
  const all = new FairShare(1_000);
  expect(takeAll(() => all.holder("west").holder("db"))).toBe(810);
  expect(takeAll(() => all.holder("west").holder("web"))).toBe(81);
  expect(takeAll(() => all.holder("north").holder("db"))).toBeGreaterThan(80);
});

test("a limit of one lets one in", () => {
  const all = new FairShare(1);
  expect(takeAll(() => all.holder("west").holder("db"))).toBe(1);
  expect(takeAll(() => all.holder("north").holder("db"))).toBe(0);
});

test("whatever is taken and given back: never more than the limit, sums are right, a newcomer finds room", () => {
  const act = fc.record({
    peer: fc.constantFrom("west", "north", "east"),
    service: fc.constantFrom("db", "web", "dns"),
    amount: fc.integer({ min: 1, max: 400 }),
    isTake: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const all = new FairShare(10_000);
      const held = new Map<string, number>();
      for (const { peer, service, amount, isTake } of acts) {
        const holder = all.holder(peer).holder(service);
        const key = `${peer} ${service}`;
        const before = held.get(key) ?? 0;
        expect(holder.used).toBe(before);
        if (isTake) {
          if (holder.tryTake(amount)) held.set(key, before + amount);
        } else if (before > 0) {
          const back = Math.min(before, amount);
          holder.giveBack(back);
          held.set(key, before - back);
        }
        expect(all.used).toBe([...held.values()].reduce((sum, each) => sum + each, 0));
        expect(all.used).toBeLessThanOrEqual(10_000);
      }
      // Nine holders who all want everything leave this to the tenth.
      expect(all.holder("new").holder("new").tryTake(1)).toBe(true);
    }),
  );
});

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RateLimiter, type RateVerdict } from "./rate-limiter.ts";

function verdicts(limiter: RateLimiter, address: string, times: number, nowMs: number) {
  return Array.from({ length: times }, () => limiter.judge(address, nowMs));
}

const count = (list: readonly RateVerdict[], verdict: RateVerdict): number =>
  list.filter((one) => one === verdict).length;

test("a client gets its share at once, then every second refused query a small answer", () => {
  const limiter = new RateLimiter({ perSecond: 5 });
  expect(verdicts(limiter, "192.0.2.1", 9, 0)).toEqual([
    ...["pass", "pass", "pass", "pass", "pass"],
    ...["drop", "slip", "drop", "slip"],
  ]);
  expect(verdicts(limiter, "192.0.2.2", 1, 0)).toEqual(["pass"]);
});

test("the share comes back with time, and no more than it", () => {
  const limiter = new RateLimiter({ perSecond: 10 });
  verdicts(limiter, "192.0.2.1", 10, 0);
  expect(count(verdicts(limiter, "192.0.2.1", 10, 300), "pass")).toBe(3);
  expect(count(verdicts(limiter, "192.0.2.1", 100, 3_600_000), "pass")).toBe(10);
});

test.each([
  { one: "2001:db8::1", other: "2001:db8::ffff:1", isSame: true },
  { one: "2001:db8:0:1::1", other: "2001:db8:0:2::1", isSame: false },
  { one: "192.0.2.1", other: "::ffff:192.0.2.1", isSame: true },
  { one: "192.0.2.1", other: "192.0.2.2", isSame: false },
])("$one and $other are one client: $isSame", ({ one, other, isSame }) => {
  const limiter = new RateLimiter({ perSecond: 1 });
  limiter.judge(one, 0);
  expect(limiter.judge(other, 0) === "pass").toBe(!isSame);
});

test("no client gets more than its share in any time, whatever the pattern", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 50 }), (waits, perSecond) => {
      const limiter = new RateLimiter({ perSecond });
      let nowMs = 0;
      let passed = 0;
      for (const wait of waits) {
        nowMs += wait;
        if (limiter.judge("192.0.2.1", nowMs) === "pass") passed++;
      }
      expect(passed).toBeLessThanOrEqual(perSecond + (nowMs / 1000) * perSecond + 1e-6);
    }),
  );
});

test("a flood of addresses forgets the oldest client, not the memory limit", () => {
  const limiter = new RateLimiter({ perSecond: 1, clientsMax: 2 });
  for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) limiter.judge(address, 0);
  expect(limiter.judge("192.0.2.3", 0)).toBe("drop");
  expect(limiter.judge("192.0.2.1", 0)).toBe("pass");
});

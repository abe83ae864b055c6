import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { measurementOf } from "./probe-machine.ts";
import { DEFAULT_MTU_SETTINGS, DEFAULT_PROBE_SETTINGS } from "./probe-settings.ts";
import { ProbedPath } from "./probed-path.fixture.ts";

/** How often what fits is tried again, where that is often. */
const VERIFY_MS = 200;

describe("the MTU", () => {
  test("is found exactly, whatever it is, and nothing is claimed below the least", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_200, max: 9_100 }), (truth) => {
        const path = new ProbedPath({
          roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > truth ? undefined : 3),
          isMtuMeasured: true,
        });
        path.run(30_000);
        expect(path.state.state).toBe("up");
        const { leastBytes, mostBytes } = DEFAULT_MTU_SETTINGS;
        const want = truth < leastBytes ? undefined : Math.min(truth, mostBytes);
        expect(measurementOf(path.state).mtu).toBe(want);
      }),
      { numRuns: 50 },
    );
  });

  test("is found though one packet in ten is lost", () => {
    let seed = 1;
    const isLost = (): boolean => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 10 === 0;
    };
    const path = new ProbedPath({
      roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > 1_450 || isLost() ? undefined : 3),
      isMtuMeasured: true,
    });
    path.run(60_000);
    expect(measurementOf(path.state).mtu).toBe(1_450);
  });

  test.each([
    { from: 1_500, to: 1_380, withinMs: 15_000 },
    { from: 1_380, to: 1_500, withinMs: 305_000 },
  ])("that changes from $from to $to is noticed", ({ from, to, withinMs }) => {
    let truth = from;
    const path = new ProbedPath({
      roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > truth ? undefined : 3),
      isMtuMeasured: true,
    });
    path.run(20_000);
    expect(measurementOf(path.state).mtu).toBe(from);
    truth = to;
    path.run(20_000 + withinMs + 10_000);
    expect(measurementOf(path.state).mtu).toBe(to);
  });

  test("that becomes less at any moment: what surely fits is told at once, and the MTU itself some seconds later", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 15_000, max: 17_000 }),
        fc.integer({ min: 1_280, max: 1_449 }),
        fc.double({ min: 0.1, max: 25, noNaN: true }),
        (shrinksMs, to, rttMs) => {
          const path = new ProbedPath({
            roundTrip: (sentMs, bytes) =>
              // One that is under way is lost with the others.
              (bytes ?? 112) > (sentMs + rttMs < shrinksMs ? 1_450 : to) ? undefined : rttMs,
            isMtuMeasured: true,
            mtu: { leastBytes: 1_000, verifyMs: VERIFY_MS },
          });
          path.run(shrinksMs);
          expect(measurementOf(path.state).mtu).toBe(1_450);
          // A look at what fits, its timeout, the pairs, and the last one's timeout.
          const { intervalMs, timeoutMs } = DEFAULT_PROBE_SETTINGS;
          path.run(shrinksMs + VERIFY_MS + intervalMs + rttMs + 2 * timeoutMs + 150);
          expect(measurementOf(path.state).mtu).toBe(1_280);
          path.run(shrinksMs + 10_000);
          expect(measurementOf(path.state).mtu).toBe(to);
        },
      ),
    );
  });

  test("that becomes less than most paths carry: only the least is of use, and is told two seconds after", () => {
    let truth = 1_450;
    const path = new ProbedPath({
      roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > truth ? undefined : 3),
      isMtuMeasured: true,
      mtu: { leastBytes: 1_000, verifyMs: VERIFY_MS },
    });
    path.run(20_000);
    truth = 1_100;
    path.run(22_500);
    expect(measurementOf(path.state).mtu).toBe(1_000);
    path.run(35_000);
    expect(measurementOf(path.state).mtu).toBe(1_100);
  });

  test.each([
    { what: "a tenth of all packets, each way", isLost: (next) => next() < 0.1 },
    {
      what: "three of five, each way, for a third of a second now and then",
      isLost: (next, nowMs) => nowMs % 3_000 < 300 && next() < 0.6,
    },
    {
      what: "the more the larger they are, for a second of five",
      isLost: (next, nowMs, bytes) => nowMs % 5_000 < 1_000 && next() < (0.4 * bytes) / 1_450,
    },
  ] satisfies readonly {
    readonly what: string;
    readonly isLost: (next: () => number, nowMs: number, bytes: number) => boolean;
  }[])("is not taken for less because packets are lost: $what", ({ isLost }) => {
    const random = seededRandom(1);
    const lost = (nowMs: number, bytes: number): boolean =>
      isLost(() => random.next(), nowMs, bytes);
    const path = new ProbedPath({
      roundTrip: (sentMs, bytes = 112) =>
        bytes > 1_450 || lost(sentMs, bytes) || lost(sentMs, bytes) ? undefined : 5,
      isMtuMeasured: true,
      mtu: { leastBytes: 1_000, verifyMs: VERIFY_MS },
    });
    path.run(30_000);
    const told = new Set<number | undefined>();
    for (let nowMs = 30_000; nowMs <= 20 * 60_000; nowMs += 500) {
      path.run(nowMs);
      told.add(measurementOf(path.state).mtu);
    }
    expect([...told]).toEqual([1_450]);
  });

  test("packets for their size do not count for up and down, and are few", () => {
    const path = new ProbedPath({
      roundTrip: (_sentMs, bytes) => (bytes === undefined ? 3 : undefined),
      isMtuMeasured: true,
    });
    path.run(60_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up"]);
    expect(measurementOf(path.state).lossPercent).toBe(0);
    expect(path.sent).toBeLessThan((2 * 60_000) / 120);
  });
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bestTunnel, NEAR_MS, type TunnelState } from "./tunnel-choice.ts";

interface Named extends TunnelState {
  readonly name: string;
}

function tunnel(name: string, more: Partial<TunnelState> = {}): Named {
  return {
    name,
    facts: { path: "relayed" },
    isLate: false,
    streamCount: 0,
    rttFloorMs: 1,
    ...more,
  };
}

const direct = { facts: { path: "direct" } } as const;

describe("the tunnel for a new stream", () => {
  test.each<[string, string | undefined, Named[]]>([
    ["none of none", undefined, []],
    [
      "the one with the fewest streams",
      "b",
      [tunnel("a", { ...direct, streamCount: 2 }), tunnel("b", { ...direct, streamCount: 1 })],
    ],
    [
      "a direct one, however many streams it has and however slow it is",
      "b",
      [tunnel("a"), tunnel("b", { ...direct, streamCount: 900, rttFloorMs: 90 })],
    ],
    [
      "one that answers before one that does not",
      "b",
      [tunnel("a", { ...direct, isLate: true }), tunnel("b")],
    ],
    [
      "of relayed ones about as quick the one with the fewest streams",
      "b",
      [tunnel("a", { streamCount: 1 }), tunnel("b", { rttFloorMs: 1 + NEAR_MS })],
    ],
    [
      "a relayed one that is clearly quicker, however many streams it has",
      "a",
      [tunnel("a", { streamCount: 900 }), tunnel("b", { rttFloorMs: 1.1 + NEAR_MS })],
    ],
    [
      "a slower relay when the quick one does not answer",
      "b",
      [tunnel("a", { isLate: true }), tunnel("b", { rttFloorMs: 90 })],
    ],
    [
      "one that has been measured before one that has not",
      "b",
      [tunnel("a", { rttFloorMs: undefined }), tunnel("b", { streamCount: 9 })],
    ],
    [
      "one that has not been measured, if there is no other",
      "a",
      [tunnel("a", { rttFloorMs: undefined })],
    ],
  ])("%s", (_name, want, tunnels) => {
    expect(bestTunnel(tunnels)?.name).toBe(want);
    expect(bestTunnel(tunnels.toReversed())?.name).toBe(want);
  });

  const anyTunnel = fc.record({
    facts: fc.record({ path: fc.constantFrom("direct" as const, "relayed" as const) }),
    isLate: fc.boolean(),
    streamCount: fc.nat(5),
    rttFloorMs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
  });

  test("streams opened one after the other are shared evenly by those that are as good as the best", () => {
    fc.assert(
      fc.property(
        fc.array(anyTunnel, { minLength: 1, maxLength: 8 }),
        fc.nat(60),
        (given, count) => {
          const tunnels = given.map((each) => ({ ...each, streamCount: 0 }));
          for (let n = 0; n < count; n++) {
            const best = bestTunnel(tunnels);
            if (best !== undefined) best.streamCount += 1;
          }
          const used = tunnels.filter(({ streamCount }) => streamCount > 0);
          const counts = used.map(({ streamCount }) => streamCount);
          if (count >= tunnels.length) {
            expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          }
          expect(used.some(({ isLate }) => isLate) && tunnels.some(({ isLate }) => !isLate)).toBe(
            false,
          );
        },
      ),
    );
  });
});

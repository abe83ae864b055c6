import { expect, test } from "vitest";
import { ADMIT_MS, chooseGateways, type GatewayCandidate, isFresh } from "./choose-gateways.ts";

function of(name: string, more: Partial<GatewayCandidate> = {}): GatewayCandidate {
  return { name, probe: "up", ...more };
}

test.each<{
  readonly what: string;
  readonly candidates: readonly GatewayCandidate[];
  readonly chosen: readonly string[];
  /** @default those chosen */
  readonly back?: readonly string[];
}>([
  { what: "nobody of none", candidates: [], chosen: [] },
  { what: "all that answer", candidates: [of("a"), of("b")], chosen: ["a", "b"] },
  { what: "not the dead one", candidates: [of("a"), of("b", { probe: "down" })], chosen: ["a"] },
  {
    what: "all while nothing is known",
    candidates: [of("a", { probe: "unknown" }), of("b", { probe: "unknown" })],
    chosen: ["a", "b"],
  },
  {
    what: "all when all are dead: nothing better is left",
    candidates: [of("a", { probe: "down" }), of("b", { probe: "down" })],
    chosen: ["a", "b"],
  },
  {
    what: "not the one that says it does not reach the peer",
    candidates: [of("a", { saysDown: true }), of("b")],
    chosen: ["b"],
  },
  {
    what: "rather one that is not counted on than a dead one",
    candidates: [of("a", { isNotReady: true }), of("b", { probe: "down" })],
    chosen: ["a"],
  },
  {
    what: "not one that has just come back, but for what comes through it",
    candidates: [of("a", { isFresh: true }), of("b")],
    chosen: ["b"],
    back: ["a", "b"],
  },
  {
    what: "those that have just come back, where there are no others",
    candidates: [
      of("a", { isFresh: true }),
      of("b", { isFresh: true }),
      of("c", { probe: "down" }),
    ],
    chosen: ["a", "b"],
  },
  {
    what: "rather one that has just come back than an unknown one",
    candidates: [of("a", { isFresh: true }), of("b", { probe: "unknown" })],
    chosen: ["a"],
    back: ["a", "b"],
  },
  {
    what: "not one that leaves, but for what comes through it still",
    candidates: [of("a", { isNotReady: true }), of("b")],
    chosen: ["b"],
    back: ["a", "b"],
  },
  {
    what: "rather an unknown one than one that says it does not reach the peer",
    candidates: [of("a", { probe: "unknown" }), of("b", { saysDown: true })],
    chosen: ["a"],
  },
])("$what", ({ candidates, chosen, back = chosen }) => {
  expect(chooseGateways(candidates)).toEqual({ through: chosen, back });
});

test("fresh for a moment, and not at all where clocks disagree", () => {
  expect([0, ADMIT_MS - 1, ADMIT_MS, -1].map((ageMs) => isFresh(10_000, 10_000 + ageMs))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

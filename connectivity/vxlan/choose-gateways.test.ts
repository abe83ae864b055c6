import { expect, test } from "vitest";
import { chooseGateways, type GatewayCandidate } from "./choose-gateways.ts";

function of(name: string, more: Partial<GatewayCandidate> = {}): GatewayCandidate {
  return { name, probe: "up", ...more };
}

test.each<{
  readonly what: string;
  readonly candidates: readonly GatewayCandidate[];
  readonly chosen: readonly string[];
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
    what: "rather an unknown one than one that says it does not reach the peer",
    candidates: [of("a", { probe: "unknown" }), of("b", { saysDown: true })],
    chosen: ["a"],
  },
])("$what", ({ candidates, chosen }) => {
  expect(chooseGateways(candidates)).toEqual(chosen);
});

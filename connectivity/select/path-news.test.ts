import { describe, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { must } from "../../api/result.ts";
import { type Choice, startChoice } from "./choose-path.ts";
import { NOT_MEASURED, type PathFact } from "./path-fact.ts";
import { outlineOf, routeOf } from "./path-news.ts";
import { NO_PINS, parsePins } from "./pins.ts";

const WEST: ClusterId = must(parseClusterId("west"));
const START = startChoice("underlay", { nowMs: 0, sinceMs: 0 });
const CHOICE: Choice = { ...START, backend: "underlay", reason: "it is up" };
const UNDERLAY: PathFact = {
  ...NOT_MEASURED,
  backend: "underlay",
  unusable: undefined,
  state: "up",
};
const VXLAN: PathFact = { ...UNDERLAY, backend: "vxlan" };
const BY = { pins: NO_PINS, globalPrefixes: [], proxies: [] };
const PINNED = { ...BY, pins: must(parsePins(["shop/web=vxlan"])) };

function changes(facts: readonly PathFact[], choice = CHOICE, by = BY): readonly string[] {
  const were = [UNDERLAY, VXLAN];
  return [
    ...(routeOf({ choice, facts }, by) === routeOf({ choice: CHOICE, facts: were }, by)
      ? []
      : ["route"]),
    ...(outlineOf(choice, facts) === outlineOf(CHOICE, were) ? [] : ["outline"]),
  ];
}

describe("what changes answers, and what only a status shows", () => {
  test.each<{
    readonly name: string;
    readonly facts: readonly PathFact[];
    readonly choice?: Choice;
    readonly by?: typeof BY;
    readonly changed: readonly string[];
  }>([
    {
      name: "a round trip is told to nobody at once",
      facts: [{ ...UNDERLAY, rttMs: 7, lossPercent: 2, mtu: 1_400 }, VXLAN],
      changed: [],
    },
    {
      name: "the chosen path that dies",
      facts: [{ ...UNDERLAY, state: "down" }, VXLAN],
      changed: ["route", "outline"],
    },
    {
      name: "one that nobody goes by",
      facts: [UNDERLAY, { ...VXLAN, state: "down" }],
      changed: ["outline"],
    },
    {
      name: "the same where a pin may lead there",
      facts: [UNDERLAY, { ...VXLAN, state: "down" }],
      by: PINNED,
      changed: ["route", "outline"],
    },
    {
      name: "another reason for the same choice",
      facts: [UNDERLAY, VXLAN],
      choice: { ...CHOICE, reason: "pinned" },
      changed: ["outline"],
    },
    {
      name: "another choice",
      facts: [UNDERLAY, VXLAN],
      choice: { ...CHOICE, backend: "vxlan" },
      changed: ["route", "outline"],
    },
  ])("$name", ({ facts, choice, by, changed }) => {
    expect(changes(facts, choice, by)).toEqual(changed);
  });

  test("addresses that are mapped otherwise, and proxies elsewhere, change answers", () => {
    const known = { choice: CHOICE, facts: [UNDERLAY] };
    const globalPrefixes = [{ cidr: "10.2.0.0/16", global: "242.2.0.0/16" }];
    const routes = [
      routeOf(known, BY),
      routeOf(known, { ...BY, globalPrefixes }),
      routeOf(known, { ...BY, proxies: [`proxy.${WEST}`] }),
    ];
    expect(new Set(routes).size).toBe(3);
  });
});

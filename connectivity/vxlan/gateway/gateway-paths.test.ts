import { expect, test } from "vitest";
import type { PathMeasurement } from "../../probe/path-measurement.ts";
import { example } from "../plan/example.fixture.ts";
import { gatewayName } from "../plan/networks.ts";
import { gatewayPaths, gatewayProbeTargets, reportedPaths } from "./gateway-paths.ts";

const ours = example(1, "v4");
const theirs = example(2, "dual", { nodes: 2, gateways: 2 });
const FIRST = gatewayName(theirs.cluster, "node-1");
const SECOND = gatewayName(theirs.cluster, "node-2");

const NOW_MS = 60_000;

function measured(facts: Partial<PathMeasurement>): PathMeasurement {
  const none = { rttMs: undefined, lossPercent: undefined, mtu: undefined };
  return { state: "up", sinceMs: 1_000, reason: "answers", ...none, ...facts };
}

function measureOf(known: Readonly<Record<string, PathMeasurement>>) {
  return (name: string): PathMeasurement | undefined => known[name];
}

test("a peer's gateways are probed inside the tunnel, in the family that both have", () => {
  const own = ours.own.gateways[0]?.tunnelAddresses ?? [];
  expect(gatewayProbeTargets(own, [theirs.peer], 4_796)).toEqual([
    { key: FIRST, cluster: theirs.cluster, address: "242.2.255.1", port: 4_796 },
    { key: SECOND, cluster: theirs.cluster, address: "242.2.255.2", port: 4_796 },
  ]);
  expect(gatewayProbeTargets(["fd42:1::1"], [theirs.peer], 4_796)[0]?.address).toContain("fd42:2:");
  expect(gatewayProbeTargets([], [theirs.peer], 4_796)).toEqual([]);
});

test.each<{
  what: string;
  known: Readonly<Record<string, PathMeasurement>>;
  through: readonly string[];
  back?: readonly string[];
  mtu?: number;
}>([
  { what: "all, while nothing is known", known: {}, through: [FIRST, SECOND] },
  {
    what: "those that answer, and the size that passes all of them",
    known: { [FIRST]: measured({ mtu: 1_450 }), [SECOND]: measured({ mtu: 1_400 }) },
    through: [FIRST, SECOND],
    mtu: 1_400,
  },
  {
    what: "not one that is down, nor its size",
    known: {
      [FIRST]: measured({ state: "down", mtu: 1_300 }),
      [SECOND]: measured({ mtu: 1_400 }),
    },
    through: [SECOND],
    mtu: 1_400,
  },
  {
    what: "not one that has just come back, but for what comes through it",
    known: { [FIRST]: measured({ sinceMs: NOW_MS - 500 }), [SECOND]: measured({}) },
    through: [SECOND],
    back: [FIRST, SECOND],
  },
])("gateways of a peer: $what", ({ known, through, back = through, mtu }) => {
  const [path] = gatewayPaths(ours.own, [theirs.peer], measureOf(known), NOW_MS);
  expect([path?.through, path?.back, path?.mtu]).toEqual([through, back, mtu]);
});

test.each<{
  what: string;
  known: Readonly<Record<string, PathMeasurement>>;
  said: Readonly<Record<string, unknown>>;
}>([
  { what: "unknown without a measurement", known: {}, said: { state: "unknown" } },
  {
    what: "up as long as one answers, since the first of those did",
    known: {
      [FIRST]: measured({ state: "down", sinceMs: 5_000, reason: "3 lost in a row" }),
      [SECOND]: measured({ sinceMs: 2_000, rttMs: 0.123456, mtu: 1_400 }),
    },
    said: {
      state: "up",
      since: "1970-01-01T00:00:02.000Z",
      rttMs: 0.123,
      mtu: 1_400,
      reason: "1 of 2 gateways answer; answers",
    },
  },
  {
    what: "down when none answers, since the last one went",
    known: {
      [FIRST]: measured({ state: "down", sinceMs: 5_000 }),
      [SECOND]: measured({ state: "down", sinceMs: 7_000 }),
    },
    said: { state: "down", since: "1970-01-01T00:00:07.000Z" },
  },
])("a gateway reports a peer as $what", ({ known, said }) => {
  expect(reportedPaths([theirs.peer], measureOf(known))).toEqual([
    expect.objectContaining({ peer: theirs.cluster, backend: "vxlan", ...said }),
  ]);
});

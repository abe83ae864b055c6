import { expect, test } from "vitest";
import type { PathReport } from "../../../api/network/path-report.ts";
import type { PathState } from "../../../api/network/peer.ts";
import type { PathMeasurement } from "../../probe/path-measurement.ts";
import { example } from "../plan/example.fixture.ts";
import { gatewayName } from "../plan/networks.ts";
import { DOUBT_MS, detours } from "./detours.ts";
import { gatewayPaths } from "./gateway-paths.ts";

const ours = example(1, "v4", { nodes: 3, gateways: 2 });
const theirs = example(2, "v4", { nodes: 2, gateways: 2 });
const NOW_MS = 100_000;
const [FIRST, SECOND] = ["node-1", "node-2"].map((node) => gatewayName(theirs.cluster, node));

function measured(state: PathState, sinceMs: number): PathMeasurement {
  const none = { rttMs: undefined, lossPercent: undefined, mtu: undefined };
  return { state, sinceMs, reason: "", ...none };
}

function report(node: string, state: PathState, ageMs = 1_000): PathReport {
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "PathReport",
    metadata: { name: node },
    spec: {
      role: "gateway",
      endpoints: [],
      node,
      renewedAt: new Date(NOW_MS - ageMs).toISOString(),
      paths: [{ peer: theirs.cluster, backend: "vxlan", state }],
    },
  };
}

const DOWN = [measured("down", 5_000), measured("down", 7_000)];
const JUST_DOWN = [measured("down", 5_000), measured("down", NOW_MS - DOUBT_MS + 1)];

test.each<{
  what: string;
  known: readonly (PathMeasurement | undefined)[];
  reports: readonly PathReport[];
  left?: true;
  isInDoubt?: true;
}>([
  {
    what: "none of its gateways answers here, and another gateway reaches it",
    known: DOWN,
    reports: [report("node-2", "up")],
    left: true,
  },
  {
    what: "one still answers",
    known: [DOWN[0], measured("up", 1)],
    reports: [report("node-2", "up")],
  },
  { what: "one is not measured yet", known: [DOWN[0]], reports: [report("node-2", "up")] },
  {
    what: "the other one does not reach it either",
    known: DOWN,
    reports: [report("node-2", "down")],
  },
  {
    what: "the other one was not heard of lately",
    known: DOWN,
    reports: [report("node-2", "up", 35_000)],
  },
  { what: "who reports is no gateway any more", known: DOWN, reports: [report("node-3", "up")] },
  { what: "only it itself once said so", known: DOWN, reports: [report("node-1", "up")] },
  {
    what: "it has not lasted: the other one may not have noticed that the peer itself is silent",
    known: JUST_DOWN,
    reports: [report("node-2", "up")],
    isInDoubt: true,
  },
])("a peer is left to other gateways or not: $what", ({ known, reports, left, isInDoubt }) => {
  const measure = (name: string): PathMeasurement | undefined =>
    known[name === FIRST ? 0 : name === SECOND ? 1 : 2];
  const input = { network: ours.own, node: "node-1", peers: [theirs.peer], reports, measure };
  const found = detours({ ...input, nowMs: NOW_MS });
  expect([...found.peers]).toEqual(left === true ? [theirs.cluster] : []);
  expect(found.isInDoubt).toBe(isInDoubt === true);
  const [path] = gatewayPaths(ours.own, [theirs.peer], measure, NOW_MS, found.peers);
  expect(path?.through.length === 0).toBe(left === true);
});

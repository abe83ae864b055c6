import { expect, test } from "vitest";
import { microTime } from "../../../api/kube/micro-time.ts";
import type { PathReport } from "../../../api/network/path-report.ts";
import type { PathState } from "../../../api/network/peer.ts";
import type { PathMeasurement } from "../../probe/path-measurement.ts";
import { example } from "../plan/example.fixture.ts";
import { nodePaths, nodeProbeTargets } from "./node-paths.ts";

const NOW_MS = Date.parse("2026-01-01T00:01:00Z");
const ours = example(1, "v4", { nodes: 3, gateways: 2 });
const theirs = example(2, "v4");

function measured(state: PathState): PathMeasurement {
  return { state, sinceMs: 0, reason: "", rttMs: 1, lossPercent: 0, mtu: undefined };
}

function report(node: string, state: PathState, mtu: number, agoMs = 0, sinceMs = 0): PathReport {
  const since = microTime(sinceMs);
  const path = { peer: theirs.cluster, backend: "vxlan", state, mtu, since } as const;
  const renewedAt = microTime(NOW_MS - agoMs);
  const spec = { role: "gateway", node, endpoints: [], paths: [path], renewedAt } as const;
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "PathReport",
    metadata: { name: `gateway-${node}` },
    spec,
  };
}

test.each<{
  what: string;
  probes?: Readonly<Record<string, PathState>>;
  reports?: readonly PathReport[];
  notReady?: string;
  through: readonly string[];
  back?: readonly string[];
  mtu?: number;
}>([
  { what: "all, while nothing is known", through: ["node-1", "node-2"] },
  {
    what: "not one that does not answer",
    probes: { "node-1": "down", "node-2": "up" },
    through: ["node-2"],
  },
  {
    what: "not one that says that it does not reach the peer",
    reports: [report("node-1", "down", 1_400), report("node-2", "up", 1_430)],
    through: ["node-2"],
    mtu: 1_430,
  },
  {
    what: "all again, once such a report is old",
    reports: [report("node-1", "down", 1_400, 40_000)],
    through: ["node-1", "node-2"],
  },
  {
    what: "packets that pass all of them",
    reports: [report("node-1", "up", 1_400), report("node-2", "up", 1_430)],
    through: ["node-1", "node-2"],
    mtu: 1_400,
  },
  {
    what: "not one that is not ready, but for what comes through it still",
    notReady: "node-2",
    through: ["node-1"],
    back: ["node-1", "node-2"],
  },
  {
    what: "not one that reaches the peer only since a moment, but for what comes through it",
    reports: [report("node-1", "up", 1_400, 0, NOW_MS - 500), report("node-2", "up", 1_400)],
    through: ["node-2"],
    back: ["node-1", "node-2"],
    mtu: 1_400,
  },
  {
    what: "all where none answers",
    probes: { "node-1": "down", "node-2": "down" },
    through: ["node-1", "node-2"],
  },
])(
  "gateways to a peer: $what",
  ({ probes = {}, reports = [], notReady, through, back = through, mtu }) => {
    const spec = {
      gateways: ours.spec.gateways.map((gateway) => ({
        ...gateway,
        ready: gateway.node !== notReady,
      })),
    };
    const measurement = (node: string): PathMeasurement | undefined => {
      const state = probes[node];
      return state === undefined ? undefined : measured(state);
    };
    const peers = [theirs.peer];
    const [path] = nodePaths({
      network: ours.own,
      spec,
      peers,
      reports,
      measurement,
      nowMs: NOW_MS,
    });
    expect([path?.through, path?.back, path?.mtu]).toEqual([through, back, mtu]);
  },
);

test("a node probes every gateway but itself", () => {
  const of = (node: string): readonly string[] =>
    nodeProbeTargets(ours.own, node, 4_796).map(
      ({ key, address, port }) => `${key} ${address}:${port}`,
    );
  expect(of("node-3")).toEqual(["node-1 242.1.255.1:4796", "node-2 242.1.255.2:4796"]);
  expect(of("node-1")).toEqual(["node-2 242.1.255.2:4796"]);
});

import { expect, test } from "vitest";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { Lease } from "../../api/kube/lease.ts";
import {
  ANNOTATION_LIVENESS,
  ANNOTATION_SILENT_SINCE,
  LABEL_SOURCE_CLUSTER,
} from "../../api/mcs/labels.ts";
import {
  ANNOTATION_MEMBER_STATUS,
  type MemberStatus,
  memberStatusText,
} from "../../api/mcs/member-status.ts";
import { memberReport } from "./member-report.ts";
import { pathProblems, reportProblems } from "./report-problems.ts";
import { statusText } from "./status-text.ts";

const condition = (type: string, status: "True" | "False", reason: string, message = "") => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

function lease(
  cluster: string,
  renewTime: string,
  [liveness, since]: readonly string[] = [],
): Lease {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name: `isthmus-peer-${cluster}`,
      labels: { [LABEL_SOURCE_CLUSTER]: cluster },
      ...(liveness !== undefined &&
        since !== undefined && {
          annotations: { [ANNOTATION_LIVENESS]: liveness, [ANNOTATION_SILENT_SINCE]: since },
        }),
    },
    spec: { holderIdentity: cluster, leaseDurationSeconds: 60, renewTime },
  };
}

function saying(status: MemberStatus, renewTime: string): Lease {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name: "isthmus-member",
      annotations: { [ANNOTATION_MEMBER_STATUS]: memberStatusText(status) },
    },
    spec: { holderIdentity: "east", leaseDurationSeconds: 30, renewTime },
  };
}

const PEER = {
  apiVersion: "isthmus.dev/v1alpha1",
  kind: "Peer",
  metadata: { name: "west" },
  spec: {
    cluster: "west" as ClusterId,
    podCidrs: [],
    serviceCidrs: [],
    globalPrefixes: [],
    nodePrefixes: [],
    backends: [],
    responders: [],
    gateways: [],
    proxies: [],
  },
};

const NOTHING = { exports: [], imports: [], leases: [] };
const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const READY: MemberStatus = { state: "running", broker: { state: "connected" } };

test.each([
  { name: "run", controllers: saying(READY, "2026-01-01T00:09:55Z"), problems: [] },
  {
    name: "were never there",
    controllers: undefined,
    problems: ["controllers unknown: no controllers have said that they run"],
  },
  {
    name: "have said nothing for long",
    controllers: saying(READY, "2026-01-01T00:09:00Z"),
    problems: ["controllers silent"],
  },
  {
    name: "were stopped",
    controllers: saying({ ...READY, state: "stopped" }, "2026-01-01T00:09:55Z"),
    problems: ["controllers stopped"],
  },
  {
    name: "cannot reach the broker",
    controllers: saying(
      { state: "running", broker: { state: "connecting", reason: "connection refused" } },
      "2026-01-01T00:09:55Z",
    ),
    problems: ["broker connecting: connection refused"],
  },
  {
    name: "are in trouble",
    controllers: saying({ ...READY, problem: "certificate expired" }, "2026-01-01T00:09:55Z"),
    problems: ["controllers: certificate expired"],
  },
])("a member whose controllers $name is ready or says why not", ({ controllers, problems }) => {
  const report = memberReport({
    ...{ clusterId: "east", clusterset: "prod", controllers, nowMs: NOW_MS },
    ...NOTHING,
  });
  expect(reportProblems(report)).toEqual(problems);
});

test.each([
  { of: "one that is up", liveness: [], paths: [{ backend: "vxlan", state: "up" }], problems: [] },
  {
    of: "one that is down",
    liveness: [],
    paths: [{ backend: "vxlan", state: "down" }],
    problems: ["path to west over vxlan is down: 3 probes without an answer"],
  },
  {
    of: "one that nobody has measured",
    liveness: [],
    paths: [{ backend: "vxlan", state: "unknown" }],
    problems: ["path to west over vxlan is unknown: 3 probes without an answer"],
  },
  {
    of: "one of a cluster that is gone itself",
    liveness: ["gone", "2026-01-01T00:00:00Z"],
    paths: [{ backend: "vxlan", state: "down" }],
    problems: [],
  },
] as const)(
  "a path in use to a cluster that is there is told while it is not up, and keeps nobody from being ready: $of",
  ({ liveness, paths, problems }) => {
    const status = { backend: "vxlan", reason: "3 probes without an answer", paths } as const;
    const report = memberReport({
      ...{ clusterId: "east", clusterset: "prod", nowMs: NOW_MS, ...NOTHING },
      controllers: saying(READY, "2026-01-01T00:09:55Z"),
      leases: [lease("west", "2026-01-01T00:09:55Z", liveness)],
      peers: [{ ...PEER, status }],
    });
    expect(pathProblems(report)).toEqual(problems);
    expect(reportProblems(report)).toEqual([]);
  },
);

test("an export that is refused and an import that is not ready keep a member from being ready, a conflict does not", () => {
  const base = { apiVersion: "multicluster.x-k8s.io/v1beta1", kind: "ServiceExport" };
  const report = memberReport({
    ...{ clusterId: undefined, clusterset: undefined, nowMs: NOW_MS, leases: [] },
    controllers: saying(READY, "2026-01-01T00:09:55Z"),
    exports: [
      {
        ...base,
        metadata: { namespace: "shop", name: "web" },
        status: {
          conditions: [
            condition("Valid", "True", "Valid"),
            condition("Ready", "False", "Failed", "too many exports"),
          ],
        },
      },
      {
        ...base,
        metadata: { namespace: "shop", name: "api" },
        status: {
          conditions: [
            condition("Valid", "True", "Valid"),
            condition("Ready", "True", "Exported"),
            condition("Conflict", "True", "PortConflict", "ports"),
          ],
        },
      },
    ],
    imports: [
      {
        ...base,
        kind: "ServiceImport",
        metadata: { namespace: "shop", name: "web" },
        spec: { type: "ClusterSetIP", ports: [] },
      },
    ],
  });
  expect(reportProblems(report)).toEqual([
    "not a member of a clusterset",
    "export shop/web: Ready=False/Failed",
    "import shop/web is not ready",
  ]);
});

test("columns line up, and what is wrong stands under its export", () => {
  const report = memberReport({
    clusterId: "east",
    clusterset: "prod",
    nowMs: Date.parse("2026-01-01T00:10:00Z"),
    controllers: saying(
      {
        state: "running",
        broker: { state: "connected" },
        certificateExpiresAt: "2026-01-02T00:00:00.000Z",
      },
      "2026-01-01T00:09:55Z",
    ),
    leases: [
      lease("west", "2026-01-01T00:09:50Z"),
      lease("north", "2026-01-01T00:09:20Z", ["suspect", "2026-01-01T00:09:30Z"]),
      lease("south", "2026-01-01T00:01:00Z", ["gone", "2026-01-01T00:01:10Z"]),
      lease("hub-away", "2026-01-01T00:02:00Z"),
    ],
    exports: [
      {
        apiVersion: "multicluster.x-k8s.io/v1beta1",
        kind: "ServiceExport",
        metadata: { namespace: "shop", name: "web" },
        status: {
          conditions: [
            condition("Valid", "True", "Valid"),
            condition("Conflict", "True", "PortConflict", "ports: 80 is used\n1 of 2 differ"),
          ],
        },
      },
    ],
    imports: [
      {
        apiVersion: "multicluster.x-k8s.io/v1beta1",
        kind: "ServiceImport",
        metadata: { namespace: "shop", name: "web" },
        spec: { type: "ClusterSetIP", ports: [], ips: ["10.96.0.7"] },
        status: {
          clusters: [{ cluster: "east" }, { cluster: "west" }],
          conditions: [condition("Ready", "True", "Ready")],
        },
      },
    ],
  });
  expect(statusText(report)).toBe(
    [
      "Cluster  east, member of clusterset prod",
      "State    controllers running, broker connected, certificate until 2026-01-02T00:00:00.000Z",
      "",
      "PEER      LIVENESS     FOR",
      "hub-away  unconfirmed  8m",
      "north     suspect      30s",
      "south     gone         8m",
      "west      alive        -",
      "",
      "EXPORT    CONDITIONS",
      "shop/web  Valid=True/Valid Conflict=True/PortConflict",
      "          ! ports: 80 is used; 1 of 2 differ",
      "",
      "IMPORT    TYPE          IP         FROM       STATE",
      "shop/web  ClusterSetIP  10.96.0.7  east,west  ready",
    ].join("\n"),
  );
});

test("every pair: the way in use, the others, and why", () => {
  const report = memberReport({
    clusterId: "east",
    clusterset: "prod",
    exports: [],
    imports: [],
    leases: [],
    nowMs: 0,
    peers: [
      {
        ...PEER,
        status: {
          backend: "vxlan",
          since: "2026-01-01T00:00:00Z",
          reason: "underlay is down: 3 probes without an answer",
          paths: [
            { backend: "vxlan", state: "up", rttMs: 1.5, lossPercent: 0, mtu: 1_430 },
            { backend: "underlay", state: "down", reason: "3 probes without an answer" },
          ],
        },
      },
      { ...PEER, spec: { ...PEER.spec, cluster: "north" as ClusterId } },
    ],
  });
  expect(statusText(report).split("\n").slice(-4)).toEqual([
    "PEER     PATH      STATE    RTT     LOSS  MTU   SINCE                 WHY",
    "west   * vxlan     up       1.5 ms  0%    1430  2026-01-01T00:00:00Z  underlay is down: 3 probes without an answer",
    "west     underlay  down     -       -     -     -                     3 probes without an answer",
    "north  * none      unknown  -       -     -     -                     no controller has looked at it yet",
  ]);
});

test("a cluster that never joined is told how to", () => {
  const text = statusText(
    memberReport({
      clusterId: undefined,
      clusterset: undefined,
      exports: [],
      imports: [],
      leases: [],
      nowMs: 0,
    }),
  );
  expect(text).toContain('run "isthmus join"');
  expect(text).toContain("EXPORT  none");
});

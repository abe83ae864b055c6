import { expect, test } from "vitest";
import { memberProblems, type Workload } from "./member-readiness.ts";

const workload = (kind: string, status: Workload["status"], generation = 2): Workload => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { namespace: "isthmus-system", name: "one", generation },
  ...(status === undefined ? {} : { status }),
});
const running = { state: "running", broker: "connected" } as const;
const observedGeneration = 2;

test.each<{ of: string; readonly object: Workload; readonly says: readonly string[] }>([
  {
    of: "a Deployment of which one pod is ready",
    object: workload("Deployment", {
      ...{ observedGeneration, updatedReplicas: 2, availableReplicas: 1 },
    }),
    says: [],
  },
  {
    of: "one of which none is",
    object: workload("Deployment", { observedGeneration, updatedReplicas: 2 }),
    says: ["Deployment isthmus-system/one has no pod that is ready"],
  },
  {
    of: "one whose pods are those of before",
    object: workload("Deployment", { observedGeneration, availableReplicas: 2 }),
    says: ["Deployment isthmus-system/one has no pod that is ready"],
  },
  {
    of: "one that was changed a moment ago",
    object: workload("Deployment", {
      ...{ observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2 },
    }),
    says: ["Deployment isthmus-system/one was looked at by nobody yet"],
  },
  {
    of: "one that was made a moment ago",
    object: workload("Deployment", undefined, 1),
    says: ["Deployment isthmus-system/one was looked at by nobody yet"],
  },
  {
    of: "a DaemonSet that is still to be on a node",
    object: workload("DaemonSet", {
      ...{ observedGeneration, desiredNumberScheduled: 3, updatedNumberScheduled: 3 },
      numberReady: 2,
    }),
    says: ["DaemonSet isthmus-system/one is ready on 2 of 3 nodes"],
  },
  {
    of: "one whose pods are partly those of before",
    object: workload("DaemonSet", {
      ...{ observedGeneration, desiredNumberScheduled: 3, updatedNumberScheduled: 1 },
      numberReady: 3,
    }),
    says: ["DaemonSet isthmus-system/one is ready on 1 of 3 nodes"],
  },
  {
    of: "one in a cluster without nodes for it",
    object: workload("DaemonSet", { observedGeneration, desiredNumberScheduled: 0 }),
    says: [],
  },
])("$of", ({ object, says }) => {
  expect(memberProblems([object], running)).toEqual(says);
});

test("controllers must run and be connected, where they were installed", () => {
  expect(memberProblems([], undefined)).toEqual([]);
  expect(memberProblems([], { state: "running", broker: "connecting" })).toEqual([
    "broker connecting",
  ]);
  expect(memberProblems([], { state: "stopped", problem: "the token has expired" })).toEqual([
    "controllers stopped: the token has expired",
  ]);
});

import { expect, test } from "vitest";
import { type JsonObject, type JsonValue, withFieldAt } from "../../object/json.ts";
import type { Kind } from "../kind.ts";
import { accepted, causes, KindTrial } from "../kind-trial.ts";
import { DEPLOYMENT } from "./deployment-kind.ts";
import { NODE } from "./node-kind.ts";
import { POD } from "./pod-kind.ts";
import { scaleOf, withScale } from "./scale.ts";
import { STATEFUL_SET } from "./stateful-set-kind.ts";

const CONTAINER = { name: "c", image: "nginx:1.29", ports: [{ name: "http", containerPort: 80 }] };

function deployment(spec: JsonObject = {}): JsonObject {
  const template = { metadata: { labels: { app: "a" } }, spec: { containers: [CONTAINER] } };
  return {
    apiVersion: "apps/v1",
    spec: { selector: { matchLabels: { app: "a" } }, template, ...spec },
  };
}

test("a pod gets its defaults and starts as Pending", () => {
  const pod = accepted(new KindTrial(POD).create({ spec: { containers: [CONTAINER] } }));
  expect(pod).toMatchObject({
    spec: {
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      terminationGracePeriodSeconds: 30,
      schedulerName: "default-scheduler",
      enableServiceLinks: true,
      containers: [
        {
          imagePullPolicy: "IfNotPresent",
          terminationMessagePath: "/dev/termination-log",
          ports: [{ name: "http", containerPort: 80, protocol: "TCP" }],
        },
      ],
    },
    status: { phase: "Pending" },
  });
});

test.each<[string, JsonObject, readonly string[]]>([
  ["no containers", {}, ["spec.containers: Required value"]],
  ["no image", { containers: [{ name: "c" }] }, ["spec.containers[0].image: Required value"]],
  [
    "two containers of one name",
    { containers: [CONTAINER, CONTAINER] },
    ['spec.containers[1].name: Duplicate value: "c"'],
  ],
  [
    "a port out of range",
    { containers: [{ ...CONTAINER, ports: [{ containerPort: 70_000 }] }] },
    [
      "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ],
  ],
])("refuses a pod with %s", (_name, spec, want) => {
  expect(causes(new KindTrial(POD).create({ spec }))).toEqual(want);
});

test("a pod may be bound to a node once and change its image, but nothing else", () => {
  const trial = new KindTrial(POD);
  const old = accepted(trial.create({ spec: { containers: [CONTAINER] } }));
  const bound = accepted(trial.update(withFieldAt(old, ["spec", "nodeName"], "n1"), old));
  const image = withFieldAt(bound, ["spec", "containers"], [{ ...CONTAINER, image: "nginx:1.30" }]);
  accepted(trial.update(image, bound));
  expect(causes(trial.update(withFieldAt(bound, ["spec", "nodeName"], "n2"), bound))[0]).toMatch(
    /^spec: Forbidden: pod updates may not change fields/,
  );
});

test("a deployment gets its defaults and its generation", () => {
  expect(accepted(new KindTrial(DEPLOYMENT).create(deployment()))).toMatchObject({
    metadata: { generation: 1 },
    spec: {
      replicas: 1,
      strategy: {
        type: "RollingUpdate",
        rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" },
      },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: { spec: { restartPolicy: "Always" } },
    },
    status: {},
  });
});

test.each<[string, JsonObject, string]>([
  [
    "a selector that misses its template",
    { selector: { matchLabels: { app: "b" } } },
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ],
  [
    "negative replicas",
    { replicas: -1 },
    "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    "a strategy nobody knows",
    { strategy: { type: "Foo" } },
    'spec.strategy: Unsupported value: {"Type":"Foo","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
  ],
  [
    "a rolling update that is none",
    { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } },
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    "no room to roll",
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
  ],
  [
    "no room to roll, in percent",
    { strategy: { rollingUpdate: { maxSurge: "0%", maxUnavailable: "0%" } } },
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
  ],
  [
    "more than all",
    { strategy: { rollingUpdate: { maxUnavailable: "200%" } } },
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "200%": must not be greater than 100%',
  ],
  [
    "a share that is none",
    { strategy: { rollingUpdate: { maxSurge: "x" } } },
    "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
  ],
  [
    "a negative history",
    { revisionHistoryLimit: -1 },
    "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    "a deadline before pods can be available",
    { minReadySeconds: 10, progressDeadlineSeconds: 10 },
    "spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds",
  ],
])("refuses a deployment with %s", (_name, spec, want) => {
  expect(causes(new KindTrial(DEPLOYMENT).create(deployment(spec)))).toEqual([want]);
});

test("refuses a deployment without anything", () => {
  expect(causes(new KindTrial(DEPLOYMENT).create({ apiVersion: "apps/v1", spec: {} }))).toEqual([
    "spec.selector: Required value",
    "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
    "spec.template.spec.containers: Required value",
  ]);
});

test("replicas scale to zero and the selector stays", () => {
  const trial = new KindTrial(DEPLOYMENT);
  const old = accepted(trial.create(deployment()));
  expect(scaleOf(old)).toMatchObject({
    spec: { replicas: 1 },
    status: { replicas: 0, selector: "app=a" },
  });
  const none = accepted(trial.update(withScale(old, { spec: { replicas: 0 } }), old));
  expect(none).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 0 } });
  const other = withFieldAt(old, ["spec", "selector", "matchLabels"], { app: "a", x: "y" });
  expect(causes(trial.update(other, old))).toContain(
    'spec.selector: Invalid value: {"matchLabels":{"app":"a","x":"y"}}: field is immutable',
  );
});

test("a stateful set gets its defaults, and only what may change of it does", () => {
  const trial = new KindTrial(STATEFUL_SET);
  const old = accepted(trial.create(deployment({ serviceName: "db", replicas: 2 })));
  expect(old).toMatchObject({
    metadata: { generation: 1 },
    spec: {
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    },
    status: { replicas: 0, availableReplicas: 0 },
  });
  expect(columns(STATEFUL_SET, old)).toMatchObject({ Ready: "0/2", IMAGES: "nginx:1.29" });
  const more = withFieldAt(old, ["spec", "replicas"], 3);
  expect(accepted(trial.update(more, old))).toMatchObject({ metadata: { generation: 2 } });
  expect(causes(trial.update(withFieldAt(old, ["spec", "serviceName"], "x"), old))).toEqual([
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ]);
});

test.each<[string, JsonObject, string]>([
  [
    "an order that is none",
    { podManagementPolicy: "Random" },
    "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
  ],
  [
    "a selector that selects everything",
    { selector: {} },
    "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
  ],
])("refuses a stateful set with %s", (_name, spec, want) => {
  expect(causes(new KindTrial(STATEFUL_SET).create(deployment(spec)))).toEqual([want]);
});

/** Name to value of every column after the name, wide ones in upper case. */
function columns(kind: Kind, object: JsonObject): JsonObject {
  const cells = (kind.versions[0]?.printerColumns ?? []).map(
    (column): readonly [string, JsonValue] => [
      column.priority > 0 ? column.name.toUpperCase() : column.name,
      column.value(object, { nowMs: 60_000 }),
    ],
  );
  return Object.fromEntries(cells);
}

const CREATED = { metadata: { creationTimestamp: "1970-01-01T00:00:00Z" } };

test.each<[string, JsonObject, JsonObject]>([
  ["a new one", {}, { Ready: "0/2", Status: "Pending", Restarts: "0", IP: "<none>" }],
  [
    "a running one",
    {
      phase: "Running",
      podIP: "10.1.0.2",
      containerStatuses: [{ ready: true, restartCount: 2 }, { ready: false }],
      conditions: [{ type: "g1", status: "True" }],
    },
    { Ready: "1/2", Status: "Running", Restarts: "2", IP: "10.1.0.2", "READINESS GATES": "1/2" },
  ],
  [
    "one whose image is not there",
    { phase: "Pending", containerStatuses: [{ state: { waiting: { reason: "ErrImagePull" } } }] },
    { Status: "ErrImagePull" },
  ],
  [
    "one that ended",
    { phase: "Succeeded", containerStatuses: [{ state: { terminated: { reason: "Completed" } } }] },
    { Status: "Completed" },
  ],
  ["an evicted one", { phase: "Failed", reason: "Evicted" }, { Status: "Evicted" }],
])("columns of pods: %s", (_name, status, want) => {
  const spec = {
    containers: [CONTAINER, CONTAINER],
    readinessGates: [{ conditionType: "g1" }, { conditionType: "g2" }],
  };
  const pod = { ...CREATED, spec, status: { phase: "Pending", ...status } };
  expect(columns(POD, pod)).toMatchObject({ Age: "60s", "NOMINATED NODE": "<none>", ...want });
});

test("columns of nodes tell roles, cordons and the machine", () => {
  const ready = { conditions: [{ type: "Ready", status: "True" }] };
  expect(columns(NODE, { ...CREATED, spec: {}, status: ready })).toEqual({
    Status: "Ready",
    Roles: "<none>",
    Age: "60s",
    Version: "",
    "INTERNAL-IP": "<none>",
    "EXTERNAL-IP": "<none>",
    "OS-IMAGE": "<unknown>",
    "KERNEL-VERSION": "<unknown>",
    "CONTAINER-RUNTIME": "<unknown>",
  });
  const labels = {
    "node-role.kubernetes.io/worker": "",
    "node-role.kubernetes.io/control-plane": "",
  };
  const node = {
    metadata: { labels },
    spec: { unschedulable: true },
    status: { nodeInfo: { kernelVersion: "6.1", architecture: "amd64" } },
  };
  expect(columns(NODE, node)).toMatchObject({
    Status: "Unknown,SchedulingDisabled",
    Roles: "control-plane,worker",
    "KERNEL-VERSION": "6.1 (amd64)",
  });
});

test("columns of deployments tell containers, images and the selector", () => {
  const matchExpressions = [
    { key: "tier", operator: "In", values: ["b", "a"] },
    { key: "old", operator: "DoesNotExist" },
    { key: "new", operator: "Exists" },
    { key: "zone", operator: "NotIn", values: ["x"] },
  ];
  const selector = { matchLabels: { app: "a" }, matchExpressions };
  expect(columns(DEPLOYMENT, deployment({ selector, replicas: 3 }))).toMatchObject({
    Ready: "0/3",
    CONTAINERS: "c",
    IMAGES: "nginx:1.29",
    SELECTOR: "!old,app=a,new,tier in (a,b),zone notin (x)",
  });
});

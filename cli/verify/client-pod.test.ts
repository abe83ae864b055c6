import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { PodLogs } from "../../runtime/kube/pod-logs.ts";
import { ClientPod } from "./client-pod.ts";
import { lastReport } from "./client-report.ts";
import { CLIENT_PROGRAM } from "./pod-programs.ts";

const REPORT = '{"addresses":["10.0.0.1"],"status":200}\n';
const forbidden: KubeError = { kind: "forbidden", message: "pods is forbidden" };
const noLog: KubeError = { kind: "not-found", message: "no logs here" };

interface Cluster {
  readonly create?: Result<unknown, KubeError>;
  /** Of the pod. */
  readonly status?: object;
  readonly log: Result<string, KubeError>;
}

async function start({ create, status = {}, log }: Cluster, timeoutMs = 0) {
  const made: KubeObject[] = [];
  const client = {
    create: (_: unknown, object: KubeObject) => {
      made.push(object);
      return Promise.resolve(create ?? ok(object));
    },
    get: () => Promise.resolve(ok({ metadata: { name: "verify-client" }, status })),
  } as unknown as KubeClient;
  const logs: PodLogs = () => Promise.resolve(log);
  const { signal } = new AbortController();
  const env = { NAME: "verify.ns.svc.clusterset.local", PORT: "80" };
  const what = { program: CLIENT_PROGRAM, env, read: lastReport };
  const pod = new ClientPod(
    { namespace: "ns", image: "ours:1", ...what, timeoutMs, signal },
    { client, logs },
  );
  return { pod, made, started: await pod.start() };
}

test("a pod that speaks, and what strict pod security asks of it", async () => {
  const { pod, made, started } = await start({ log: ok(REPORT) });
  expect(started).toEqual(ok(undefined));
  expect(await pod.last()).toEqual(ok({ addresses: ["10.0.0.1"], status: 200 }));
  expect(made).toMatchObject([
    {
      spec: {
        restartPolicy: "Never",
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            image: "ours:1",
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
          },
        ],
      },
    },
  ]);
});

test.each<[string, Cluster, RegExp]>([
  ["it may not be made", { create: err(forbidden), log: ok("") }, /cannot make Pod .* forbidden/],
  [
    "its image cannot be pulled",
    {
      status: {
        phase: "Pending",
        containerStatuses: [
          { state: { waiting: { reason: "ErrImagePull", message: "no such image" } } },
        ],
      },
      log: err(noLog),
    },
    /does not run \(Pending\): no such image/,
  ],
  [
    "no node takes it",
    {
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes are available" }],
      },
      log: err(noLog),
    },
    /0\/1 nodes are available/,
  ],
  [
    "it has ended",
    {
      status: {
        phase: "Failed",
        containerStatuses: [{ state: { terminated: { exitCode: 127 } } }],
      },
      log: ok(""),
    },
    /has ended \(code 127\)/,
  ],
])("why there is no client: %s", async (_, cluster, says) => {
  const { started } = await start(cluster);
  expect(started).toEqual(err(expect.stringMatching(says)));
});

test("an API server that has no logs of pods is not waited for", async () => {
  const { started } = await start({ status: { phase: "Running" }, log: err(noLog) }, 3_600_000);
  expect(started).toEqual(err("the client pod's log cannot be read: no logs here"));
});

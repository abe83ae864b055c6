import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EVENTS, type KubeEvent } from "../../api/kube/event.ts";
import {
  CLUSTER_ID_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { ensureSystemNamespace } from "../../cli/cluster/system-namespace.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { askHealth } from "../../sandbox/clusterset/health.ts";
import { joinMember } from "../../sandbox/clusterset/join-member.ts";
import { DemoClusterset } from "../../sandbox/demo/demo-clusterset.ts";
import { until } from "../../sandbox/process/until.ts";
import { mustRunCli, runCli } from "./harness/run-cli.ts";

// A member whose cluster is not ready for it: it says why, keeps trying, and goes on when that is mended.

const abort = new AbortController();
const { signal } = abort;
const deps = { clock: systemClock, random: systemRandom };
const waiting = { timeoutMs: 60_000, signal };
// API servers of its own, embedded also when the suite runs on real ones: those have their CRDs by now.
let bare: DemoClusterset;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "isthmus-bare-"));
  const options = { directory, clusterset: "bare", env: process.env, logLevel: "debug" };
  bare = await DemoClusterset.plan({ ...options, clusters: 2 }, deps);
  const { broker, brokerHealthPort } = bare.processes;
  broker.start();
  await bare.startClusters(waiting);
  await bare.processes.ready(broker, brokerHealthPort, waiting);
});
afterAll(async () => {
  abort.abort();
  await bare?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const notReady = (port: number, why: string): Promise<string> =>
  until(
    "the process to say what it waits for",
    async () => {
      const is = await askHealth(port, systemClock);
      return is.kind === "not-ready" && is.why.includes(why) ? is.why : undefined;
    },
    { ...deps, ...waiting },
  );

test("says which definitions are missing, keeps trying, and goes on when they come", async () => {
  const { processes } = bare;
  const member = processes.member("member-1");
  const token = await mustRunCli([
    ...["token", "create", "--data-dir", processes.brokerDataDir, "--cluster", "member-1"],
    ...["--broker", processes.brokerAddress],
  ]);
  const { identityDir } = member;
  const joining = ["join", "--cluster-id", "member-1", "--identity-dir", identityDir];
  await mustRunCli([...joining, token.trim()]);
  member.controllers.start();
  member.dns.start();
  for (const port of [member.controllersHealthPort, member.dnsHealthPort]) {
    expect(await notReady(port, "multicluster.x-k8s.io")).toContain("is not installed");
  }
  const answer = await askDns(
    { port: member.dnsPort, name: "a.b.svc.clusterset.local", type: "A" },
    systemClock,
  );
  // DNS-42; before its start it does not listen at all.
  expect(answer === undefined || answer.rcode === "SERVFAIL").toBe(true);
  await mustRunCli(["crds", "--apply", "--kubeconfig", bare.members[0]?.kubeconfig ?? ""]);
  await processes.ready(member.controllers, member.controllersHealthPort, waiting);
  await processes.ready(member.dns, member.dnsHealthPort, waiting);
});

test("says everywhere that it is said to be somebody else, and goes on when that is mended", async () => {
  const { processes } = bare;
  const member = processes.member("member-2");
  const where = ["--kubeconfig", bare.members[1]?.kubeconfig ?? ""];
  await mustRunCli(["crds", "--apply", ...where]);
  const kube = connectKube({ kubeconfig: where[1] }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  await ensureSystemNamespace(client, signal);
  const resource = clusterProperties();
  const id: ClusterProperty = {
    apiVersion: `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata: { name: CLUSTER_ID_PROPERTY },
    spec: { value: "somebody" },
  };
  expect(await client.create(resource, id, { signal })).toMatchObject({ ok: true });
  await joinMember(member, processes, deps);
  member.controllers.start();
  const rule = `ClusterProperty ${CLUSTER_ID_PROPERTY} must be "member-2", the identity this cluster joined with: got "somebody"`;
  await notReady(member.controllersHealthPort, rule);
  const event = await until(
    "an Event to say so",
    async () => {
      const listed = await client.list<KubeEvent>(EVENTS, {}, { signal });
      return listed.ok ? listed.value.items.find(({ note }) => note.includes(rule)) : undefined;
    },
    { ...deps, ...waiting },
  );
  expect(event).toMatchObject({
    type: "Warning",
    reason: "NotReady",
    regarding: { kind: "Lease", name: "isthmus-member" },
  });
  expect((await runCli(["status", ...where])).stdout).toContain(rule);
  expect(member.controllers.logTail(100)).toMatch(/somebody.*"msg":"not ready"/);
  await client.delete({ resource, name: CLUSTER_ID_PROPERTY }, {}, { signal });
  await processes.ready(member.controllers, member.controllersHealthPort, waiting);
});

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { askHealth } from "../../sandbox/clusterset/health.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { ManagedProcess } from "../../sandbox/process/managed-process.ts";
import type { E2eCluster } from "../e2e/harness/e2e-cluster.ts";
import { E2eClusterset } from "../e2e/harness/e2e-clusterset.ts";

/** Two real processes of one member's controllers; the member's ordinary one is stopped. */
let clusterset: E2eClusterset;
let cluster: E2eCluster;
let replicas: readonly { readonly process: ManagedProcess; readonly healthPort: number }[];
let namespace: string;

beforeAll(async () => {
  clusterset = await E2eClusterset.start(2);
  cluster = clusterset.cluster(0);
  namespace = await clusterset.namespace();
  const [plan] = clusterset.members;
  if (plan === undefined) throw new Error("no member");
  const { controllers, identityDir } = clusterset.processes.member(plan.id);
  await controllers.stop();
  const ports = await freePorts(2, systemRandom);
  replicas = ports.map((healthPort, index) => ({
    healthPort,
    process: new ManagedProcess(
      {
        name: `replica-${index}`,
        args: [
          ...["controllers", "--leader-elect", "--namespace", namespace],
          ...["--kubeconfig", plan.kubeconfig, "--context", plan.context],
          ...["--identity-dir", identityDir, "--health-listen", `127.0.0.1:${healthPort}`],
        ],
        logFile: join(clusterset.directory, "logs", `replica-${index}.log`),
        restart: false,
        env: process.env,
      },
      { clock: systemClock, random: systemRandom },
    ),
  }));
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.process.stop()));
  await clusterset.stop();
});

async function holder(): Promise<string> {
  const lease = await cluster.kube.get<Lease>(
    { resource: LEASES, namespace, name: "isthmus-controllers" },
    { signal: clusterset.signal },
  );
  return lease.ok ? (lease.value.spec?.holderIdentity ?? "") : "";
}

async function exportService(name: string): Promise<void> {
  const options = { signal: clusterset.signal };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name },
    spec: { ports: [{ port: 80 }] },
  };
  expect(await cluster.kube.create(SERVICES, service, options)).toMatchObject({ ok: true });
  const resource = serviceExports();
  const exported = {
    apiVersion: `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata: { namespace, name },
  };
  expect(await cluster.kube.create(resource, exported, options)).toMatchObject({ ok: true });
}

async function imported(name: string): Promise<void> {
  const other = clusterset.cluster(1);
  await clusterset.eventually(
    `import of ${name}`,
    () => other.import(namespace, name),
    (found) => found !== undefined,
  );
}

test("of two replicas one works; it is stopped, gives the lease back, and the other takes over at once", async () => {
  const [first, second] = replicas;
  if (first === undefined || second === undefined) throw new Error("two replicas");
  first.process.start();
  await exportService("one");
  await imported("one");
  const leader = await holder();
  expect(leader).not.toBe("");
  second.process.start();
  await clusterset.eventually(
    "the second replica to stand by",
    () => askHealth(second.healthPort, systemClock),
    ({ kind }) => kind === "ready",
  );
  expect(await holder()).toBe(leader);
  await first.process.stop();
  // Well within the lease's 15 s: it was given back, not waited out.
  await clusterset.eventually(
    "the second replica to lead",
    holder,
    (now) => now !== leader && now !== "",
    8_000,
  );
  await exportService("two");
  await imported("two");
  await imported("one");
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../cli/cluster/install-crds.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { joinMember } from "../../sandbox/clusterset/join-member.ts";
import { DemoClusterset } from "../../sandbox/demo/demo-clusterset.ts";
import { until } from "../../sandbox/process/until.ts";

/**
 * Time from the creation of a ServiceExport in one member until its name resolves in another: three embedded members,
 * every process real, one export at a time. `node bench/propagation/run.ts [--rounds 200]`
 */
const { values } = parseArgs({ options: { rounds: { type: "string", default: "200" } } });
const rounds = Number(values.rounds);
const { signal } = new AbortController();
const directory = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
const deps = { clock: systemClock, random: systemRandom };
const set = await DemoClusterset.plan(
  { clusters: 3, directory, clusterset: "bench", env: process.env, logLevel: "warn" },
  deps,
);
try {
  const kubes = await bringUp();
  const [exporter, , importer] = kubes;
  const { dnsPort } = set.processes.member("member-3");
  if (exporter === undefined || importer === undefined)
    throw new Error("three members were planned");
  for (const kube of kubes)
    await create(kube, NAMESPACES, object("v1", "Namespace", undefined, "bench", {}));
  const times: number[] = [];
  for (let round = 0; round < rounds; round++)
    times.push(await measure(exporter, dnsPort, `svc-${round}`));
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  process.stdout.write(
    `export to resolvable in another member, ${rounds} rounds, ms: p50 ${at(0.5)}  p90 ${at(0.9)}  p99 ${at(0.99)}  max ${at(1)}\n`,
  );
} finally {
  await set.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit();

async function bringUp(): Promise<readonly KubeClient[]> {
  const { processes } = set;
  const waiting = { timeoutMs: 60_000, signal };
  processes.broker.start();
  await Promise.all([
    set.startClusters(waiting),
    processes.ready(processes.broker, processes.brokerHealthPort, waiting),
  ]);
  const kubes = set.members.map(({ kubeconfig }) => {
    const kube = connectKube({ kubeconfig }, process.env, silentMeter);
    if (!kube.ok) throw new Error(kube.error);
    return kube.value.client;
  });
  for (const kube of kubes) {
    const installed = await installCrds(kube, systemClock, signal);
    if (!installed.ok) throw new Error(installed.error);
  }
  for (const member of processes.members) {
    await joinMember(member, processes, deps);
    member.controllers.start();
    member.dns.start();
  }
  for (const member of processes.members) {
    await processes.ready(member.controllers, member.controllersHealthPort, waiting);
    await processes.ready(member.dns, member.dnsHealthPort, waiting);
  }
  return kubes;
}

async function measure(kube: KubeClient, dnsPort: number, name: string): Promise<number> {
  await create(
    kube,
    SERVICES,
    object("v1", "Service", "bench", name, { spec: { ports: [{ name: "http", port: 80 }] } }),
  );
  await create(
    kube,
    ENDPOINT_SLICES,
    object("discovery.k8s.io/v1", "EndpointSlice", "bench", name, {
      metadata: { namespace: "bench", name, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: [{ addresses: ["10.1.99.1"], conditions: { ready: true } }],
    }),
  );
  const startMs = systemClock.monotonicMs();
  await create(
    kube,
    serviceExports(),
    object("multicluster.x-k8s.io/v1beta1", "ServiceExport", "bench", name, {}),
  );
  await until(
    `${name} to resolve`,
    async () => {
      const answer = await askDns(
        { port: dnsPort, name: `${name}.bench.svc.clusterset.local`, type: "A" },
        systemClock,
      );
      return addressesIn(answer).length > 0 ? true : undefined;
    },
    { clock: systemClock, timeoutMs: 20_000, signal, everyMs: 1 },
  );
  return systemClock.monotonicMs() - startMs;
}

function object(
  apiVersion: string,
  kind: string,
  namespace: string | undefined,
  name: string,
  rest: object,
): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    ...rest,
  };
}

async function create(kube: KubeClient, resource: Resource, made: KubeObject): Promise<void> {
  const created = await kube.create(resource, made, { signal });
  if (!created.ok) throw new Error(created.error.message);
}

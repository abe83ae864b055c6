import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SocksClient } from "socks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/connect-kube.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { httpThroughSocks } from "../../sandbox/clusterset/http-through-socks.ts";
import { SAMPLE_NAME } from "../../sandbox/demo/demo-scenario.ts";
import { SAMPLE, sampleNamespace, sampleWorkload } from "../../sandbox/demo/sample-service.ts";
import type { PodDirectory } from "../../sandbox/network/pod-directory.ts";
import { PODS, type Pod } from "../../sandbox/node/kinds/pod.ts";
import { type MemberNode, startMemberNode } from "../../sandbox/node/member-node.ts";
import { ProgramPods } from "../../sandbox/node/pod-server/program-pods.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { callsIn, excusedBy, unlawful } from "../permissions/calls.ts";
import { WITH_SECRET } from "../permissions/proofs.ts";
import { type Outcome, runIsthmus } from "./run-isthmus.ts";

// The five lines of docs/install.md, typed as they stand there, on two clusters whose node runs the program's image as processes:
// what is applied is what runs. Between the clusters there is a load balancer in front of the hub's Service, and routes between pods.

interface Cluster {
  readonly kubeconfig: string;
  readonly kube: KubeClient;
  readonly node: MemberNode;
  readonly directory: PodDirectory;
  readonly close: () => Promise<void>;
}

const stopping = new AbortController();
const { signal } = stopping;
let folder: string;
let east: Cluster;
let west: Cluster;
let hubAddress: string;
const closers: (() => Promise<void>)[] = [];

async function startCluster(name: string, index: number): Promise<Cluster> {
  const serviceCidrs = [`10.${100 + index}.0.0/16`];
  const server = must(await createApiServer({ serviceCidrs }, { clock, random, log }));
  await server.start();
  const kubeconfig = join(folder, `${name}.yaml`);
  await writeFile(kubeconfig, kubeconfigText([server.kubeconfigEntry(name)]));
  const kube = must(connectKube({ kubeconfig }, {}, silentMeter)).client;
  let directory: PodDirectory | undefined;
  const node = must(
    await startMemberNode(
      { cluster: name, podCidrs: [`10.${index}.0.0/16`], serviceCidrs },
      {
        ...{ clock, random, log, meter: silentMeter, kube },
        runtimeAround: (others, addresses) => {
          directory = addresses;
          const options = {
            image: "isthmus",
            folder: join(folder, name),
            kubeconfig,
            env: process.env,
          };
          return new ProgramPods(options, {
            others,
            directory: addresses,
            kube,
            clock,
            random,
            signal,
          });
        },
      },
    ),
  );
  if (directory === undefined) throw new Error("the node has a directory");
  const close = async (): Promise<void> => {
    await node.stop();
    await server.stop();
  };
  return { kubeconfig, kube, node, directory, close };
}

/** What a cloud puts in front of a Service: passes connections through. */
async function loadBalancer(cluster: Cluster, port: number): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const passOn = async (client: Socket): Promise<void> => {
    try {
      const behind = await connectTo(cluster);
      open.add(behind);
      behind.on("error", () => client.destroy());
      client.on("close", () => behind.destroy());
      client.pipe(behind).pipe(client);
    } catch {
      client.destroy();
    }
  };
  const server = createServer((client) => {
    open.add(client);
    client.on("error", () => client.destroy());
    void passOn(client);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return async () => {
    for (const socket of open) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

async function connectTo({ kube, node }: Cluster): Promise<Socket> {
  const target = { resource: SERVICES, namespace: "isthmus-system", name: "isthmus-broker" };
  const { spec } = must(await kube.get<Service>(target, { signal }));
  const [host = "", port = ""] = node.socks.split(":");
  const { socket } = await SocksClient.createConnection({
    proxy: { host, port: Number(port), type: 5 },
    command: "connect",
    destination: { host: spec?.clusterIP ?? "", port: 8443 },
  });
  return socket;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-five-"));
  [east, west] = await Promise.all([startCluster("east", 1), startCluster("west", 2)]);
  must(east.node.setPeers([{ cidrs: ["10.2.0.0/16"], fabric: west.node.fabric }]));
  must(west.node.setPeers([{ cidrs: ["10.1.0.0/16"], fabric: east.node.fabric }]));
  const [port = 0] = await freePorts(1, random);
  hubAddress = `127.0.0.1:${port}`;
  closers.push(await loadBalancer(east, port));
  // What an engineer has already: the same namespace in both, a workload in one.
  for (const { kube } of [east, west]) {
    const { resource, object } = sampleNamespace();
    must(await kube.create(resource, object, { signal }));
  }
  for (const { resource, object } of sampleWorkload(2)) {
    must(await east.kube.create(resource, object, { signal }));
  }
});

afterAll(async () => {
  stopping.abort();
  for (const close of closers) await close();
  await Promise.all([east?.close(), west?.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** A line as it is typed, where kubectl reaches the cluster. */
function type(line: string, { kubeconfig }: Cluster): Promise<Outcome> {
  const [program, ...words] = line.split(" ");
  expect(program).toBe("isthmus");
  return runIsthmus([...words, "--kubeconfig", kubeconfig], signal);
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const startMs = clock.monotonicMs();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (clock.monotonicMs() - startMs > 60_000) throw new Error(`${what}: not within 60 s`);
    await new Promise<void>((resolve) => void clock.setTimer(100, resolve));
  }
}

/** The cluster's DNS sends clusterset.local there: the one thing besides the lines. */
async function wireDns({ kube, node, directory }: Cluster): Promise<void> {
  const port = await eventually("a pod of the DNS server", async () => {
    const query = {
      namespace: "isthmus-system",
      labelSelector: "app.kubernetes.io/name=isthmus-dns",
    };
    const pods = must(await kube.list<Pod>(PODS, query, { signal })).items;
    const [running] = pods.flatMap(({ status }) => status?.podIP ?? []);
    return running === undefined ? undefined : directory.lookup(running)?.udp.get(5353);
  });
  must(node.setDnsServer(`127.0.0.1:${port}`));
}

test("five lines to the first answer of another cluster", async () => {
  const hub = await type(
    `isthmus install hub --apply --cluster east,west --address ${hubAddress} --data-dir ${join(folder, "audit")}`,
    east,
  );
  expect(hub).toMatchObject({ code: 0, problems: [] });
  const [joinEast = "", joinWest = ""] = hub.lines.slice(-2);
  expect(joinEast).toMatch(/^isthmus install member --cluster-id east isthmus-join\.\S+ --apply$/);
  expect(await type(joinEast, east)).toMatchObject({ code: 0, problems: [] });
  expect(await type(joinWest, west)).toMatchObject({ code: 0, problems: [] });
  await wireDns(west);
  const exported = await type(`isthmus export ${SAMPLE.name} -n ${SAMPLE.namespace}`, east);
  expect(exported).toMatchObject({ code: 0, lines: ["shop/web exported"] });
  const [, socksPort = ""] = west.node.socks.split(":");
  const url = new URL(`http://${SAMPLE_NAME}/`);
  const body = await eventually("an answer", async () => {
    const answer = await httpThroughSocks(Number(socksPort), url, { clock }).catch(() => undefined);
    return answer?.status === 200 ? answer.body : undefined;
  });
  expect(JSON.parse(body)).toMatchObject({ cluster: "east", namespace: "shop" });
}, 180_000);

test("all of it with no more than the shipped roles grant: every process of every pod (SEC-08)", async () => {
  const roles = {
    "isthmus-broker": ["hub/10-broker.yaml", "isthmus:broker"],
    "isthmus-controllers": ["30-controllers-role.yaml", "isthmus:controllers"],
    "isthmus-dns": ["31-dns-role.yaml", "isthmus:dns"],
  } as const;
  const ports = { "isthmus-broker": 8082, "isthmus-controllers": 8080, "isthmus-dns": 8081 };
  for (const name of ["isthmus-broker", "isthmus-controllers", "isthmus-dns"] as const) {
    const texts = await Promise.all([east, west].map((one) => metricsOf(one, name, ports[name])));
    const calls = texts.flat().flatMap((text) => [...callsIn(text)]);
    expect(calls).not.toEqual([]);
    const [file, role] = roles[name];
    expect(unlawful(file, role, calls)).toEqual([]);
    if (name !== "isthmus-controllers") continue;
    const withSecret = excusedBy("isthmus:controllers", WITH_SECRET);
    expect(withSecret).toHaveLength(2);
    expect(calls).toEqual(expect.arrayContaining([...withSecret]));
  }
});

/** What /metrics of each pod of a process says. */
async function metricsOf(
  { kube, directory }: Cluster,
  name: string,
  healthPort: number,
): Promise<readonly string[]> {
  const query = { namespace: "isthmus-system", labelSelector: `app.kubernetes.io/name=${name}` };
  const pods = must(await kube.list<Pod>(PODS, query, { signal })).items;
  const ports = pods.flatMap(({ status }) => {
    const found =
      status?.podIP === undefined ? undefined : directory.lookup(status.podIP)?.tcp.get(healthPort);
    return found ?? [];
  });
  return Promise.all(
    ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  );
}

test("a hub with members is not taken away", async () => {
  const { code, problems } = await type("isthmus uninstall hub", east);
  expect({ code, problems }).toEqual({
    code: 1,
    problems: [expect.stringContaining("got east, west; nothing was removed")],
  });
});

test("the audit log holds who was let in by a join line", async () => {
  const { code, lines } = await runIsthmus(["audit", "--data-dir", join(folder, "audit")], signal);
  expect(code).toBe(0);
  const tokens = lines.map((line) => JSON.parse(line) as { kind: string; cluster: string });
  expect(tokens.map(({ kind, cluster }) => `${kind} ${cluster}`)).toEqual([
    "token-created east",
    "token-created west",
  ]);
});

test("and out again: the member that leaves takes all of its own with it", async () => {
  const left = await type("isthmus uninstall member", west);
  expect(left).toMatchObject({ code: 0, problems: [] });
  expect(left.lines.join("\n")).toContain("west left clusterset default");
  expect(left.lines).toContain("removed Namespace isthmus-system");
}, 60_000);

import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { parsePeer } from "../../api/network/parse-network-objects.ts";
import type { PeerStatus } from "../../api/network/peer.ts";
import { PEERS } from "../../api/network/resources.ts";
import { RESPONDERS_SERVICE } from "../../api/network/responders-service.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../cli/cluster/install-crds.ts";
import { SYSTEM_NAMESPACE } from "../../cli/cluster/system-namespace.ts";
import { ciliumMesh } from "../../connectivity/overlay-cni/real-objects.fixture.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { listAll } from "../../runtime/kube/list-all.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import {
  ClustersetProcesses,
  type MemberProcesses,
  portsNeeded,
} from "../../sandbox/clusterset/clusterset-processes.ts";
import { joinMember } from "../../sandbox/clusterset/join-member.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { ManagedProcess } from "../../sandbox/process/managed-process.ts";
import { until } from "../../sandbox/process/until.ts";
import { mustRunCli } from "../e2e/harness/run-cli.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";

const STALE_AFTER_MS = 2_000;
/** Both carry pod addresses as they are, here over one way. */
const BACKENDS = "underlay,overlay-cni";
const { signal } = new AbortController();
const WAITING = { clock, timeoutMs: 60_000, signal };

/** An address of this machine that a member may say it has; loopback ones are refused. Packets to it do not leave. */
const HERE = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

interface Member {
  readonly id: string;
  readonly server: TestApiServer;
  readonly client: KubeClient;
}

let folder: string;
let members: readonly Member[];
let processes: ClustersetProcesses;
/** Where processes of east answer probes: replicas of its controllers, and its DNS server. */
let probes: Readonly<Record<"controllers" | "other" | "dns", number>>;
let otherHealthPort: number;

function eastControllersArgs(replica: "controllers" | "other"): readonly string[] {
  return ["--leader-elect", "--probe-listen", `${HERE}:${probes[replica]}`];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-paths-"));
  members = await Promise.all(["east", "west"].map(startMember));
  const [controllersPort = 0, otherPort = 0, dnsPort = 0, westPort = 0, healthPort = 0, ...ports] =
    await freePorts(5 + portsNeeded(2), random);
  probes = { controllers: controllersPort, other: otherPort, dns: dnsPort };
  otherHealthPort = healthPort;
  const plans = members.map(({ id, server }) => ({
    id,
    kubeconfig: server.kubeconfig,
    context: "one",
    controllersArgs:
      id === "east"
        ? eastControllersArgs("controllers")
        : ["--probe-listen", `${HERE}:${westPort}`],
    dnsArgs:
      id === "east" ? ["--cluster-id", "east", "--probe-listen", `${HERE}:${probes.dns}`] : [],
  }));
  const controllersArgs = ["--backends", BACKENDS, "--stale-after", `${STALE_AFTER_MS}ms`];
  const plan = { directory: folder, clusterset: "paths", env: process.env, ports, controllersArgs };
  processes = new ClustersetProcesses({ ...plan, members: plans }, { clock, random });
  processes.broker.start();
  await processes.ready(processes.broker, processes.brokerHealthPort, WAITING);
  for (const member of processes.members) {
    await joinMember(member, processes, { clock, random });
    member.controllers.start();
    member.dns.start();
  }
});

afterAll(async () => {
  const stopped = processes.members[0]?.controllers.pid;
  if (stopped !== undefined) process.kill(stopped, "SIGCONT");
  await processes.stop();
  for (const { server } of members) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function startMember(id: string): Promise<Member> {
  const server = await startApiServer();
  const kube = connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  const installed = await installCrds(client, clock, signal);
  if (!installed.ok) throw new Error(installed.error);
  const system = { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM_NAMESPACE } };
  await client.create(NAMESPACES, system, { signal });
  await joinMesh(client, id);
  await exportWeb(client, id === "east" ? EAST_POD : WEST_POD);
  return { id, server, client };
}

async function joinMesh(client: KubeClient, id: string): Promise<void> {
  const metadata = { name: "kube-system" };
  await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata }, { signal });
  const [own, peer] = id === "east" ? ([1, "west"] as const) : ([2, "east"] as const);
  for (const [resource, object] of ciliumMesh({ name: id, id: own }, [peer])) {
    const made = await client.create(resource, object, { signal });
    if (!made.ok) throw new Error(made.error.message);
  }
}

const EAST_POD = "10.1.0.5";
const WEST_POD = "10.2.0.5";
const WEB = { namespace: "shop", name: "web" };

async function exportWeb(client: KubeClient, address: string): Promise<void> {
  const put = async (resource: Resource, object: KubeObject): Promise<void> => {
    const made = await client.create(resource, object, { signal });
    if (!made.ok) throw new Error(made.error.message);
  };
  await put(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  const ports = [{ name: "http", protocol: "TCP", port: 80 }];
  const spec = { clusterIP: "None", selector: { app: "web" }, ports };
  await put(SERVICES, { apiVersion: "v1", kind: "Service", metadata: WEB, spec } as KubeObject);
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...WEB, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 80 }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
  await put(ENDPOINT_SLICES, slice);
  const kind = { apiVersion: "multicluster.x-k8s.io/v1beta1", kind: "ServiceExport" };
  await put(serviceExports(), { ...kind, metadata: WEB });
}

/** What west knows of the path to east. */
async function statusInWest(): Promise<PeerStatus | undefined> {
  const got = await west().client.get({ resource: PEERS, name: "east" }, { signal });
  const peer = got.ok ? parsePeer(got.value) : undefined;
  return peer?.ok === true ? peer.value.status : undefined;
}

/** Whose endpoints west's MCS slices hold. */
async function sourcesInWest(): Promise<readonly string[]> {
  const listed = await listAll<EndpointSlice>(
    west().client,
    ENDPOINT_SLICES,
    { labelSelector: LABEL_SOURCE_CLUSTER },
    signal,
  );
  if (!listed.ok) throw new Error(listed.error.message);
  return listed.value.flatMap(({ metadata, endpoints }) =>
    (endpoints ?? []).map(() => metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? ""),
  );
}

async function answerInWest(): Promise<readonly string[]> {
  const name = "web.shop.svc.clusterset.local";
  const question = { port: processes.member("west").dnsPort, name, type: "A" } as const;
  return addressesIn(await askDns(question, clock));
}

function west(): Member {
  const found = members.find(({ id }) => id === "west");
  if (found === undefined) throw new Error("there is no west");
  return found;
}

function eastControllers(): MemberProcesses["controllers"] {
  return processes.member("east").controllers;
}

async function untilOffered(addresses: readonly string[], sources: readonly string[]) {
  await until(
    `answers ${addresses.join()} and slices of ${sources.join()}`,
    async () => {
      const seen = [await answerInWest(), (await sourcesInWest()).toSorted()];
      return JSON.stringify(seen) === JSON.stringify([addresses, sources]) ? true : undefined;
    },
    WAITING,
  );
}

/** As Kubernetes keeps the endpoints of the Service of those who answer. */
async function respondersOfEast(which: readonly (keyof typeof probes)[]): Promise<void> {
  const [east] = members;
  const kept = Object.entries(probes).map(async ([name, port]) => {
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: SYSTEM_NAMESPACE,
        name: `responder-${name}`,
        labels: { "kubernetes.io/service-name": RESPONDERS_SERVICE },
      },
      addressType: "IPv4",
      ports: [{ name: "probes", protocol: "UDP", port }],
      endpoints: which.some((one) => one === name) ? [{ addresses: [HERE] }] : [],
    };
    const put = await east?.client.apply(ENDPOINT_SLICES, slice, { signal });
    if (put?.ok !== true) throw new Error("the slice was not taken");
  });
  await Promise.all(kept);
}

/** Until west has heard that these answer for east. */
async function untilToldOf(which: readonly (keyof typeof probes)[]): Promise<void> {
  const want = which.map((one) => `${HERE}:${probes[one]}`).toSorted();
  await until(
    `responders ${want.join()}`,
    async () => {
      const got = await west().client.get({ resource: PEERS, name: "east" }, { signal });
      const peer = got.ok ? parsePeer(got.value) : undefined;
      const told = peer?.ok === true ? peer.value.spec.responders.toSorted() : [];
      return JSON.stringify(told) === JSON.stringify(want) ? true : undefined;
    },
    WAITING,
  );
}

/** Looks again and again whether west offers east's endpoint, until it is told to end. */
function watchWest(): () => Promise<readonly string[]> {
  const stop = new AbortController();
  const missing: string[] = [];
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const answer = await answerInWest();
      if (!answer.includes(EAST_POD)) missing.push(`answer ${answer.join()}`);
      const sources = await sourcesInWest();
      if (!sources.includes("east")) missing.push(`slices of ${sources.join()}`);
      await sleep(clock, 20, stop.signal);
    }
  })();
  return async () => {
    stop.abort();
    await watching;
    return missing;
  };
}

test("controllers are rolled, killed and away: who still answers shows that the path lives, and nothing vanishes elsewhere (I8)", async () => {
  const east = processes.member("east");
  const other = new ManagedProcess(
    {
      name: "east-other",
      args: [
        ...["controllers", "--kubeconfig", members[0]?.server.kubeconfig ?? "", "--context", "one"],
        ...["--identity-dir", east.identityDir, "--state-dir", join(folder, "other")],
        ...["--health-listen", `127.0.0.1:${otherHealthPort}`],
        ...["--backends", BACKENDS, ...eastControllersArgs("other")],
      ],
      logFile: join(folder, "logs", "east-other.log"),
      restart: true,
      env: process.env,
    },
    { clock, random },
  );
  try {
    await respondersOfEast(["controllers", "dns"]);
    await untilToldOf(["controllers", "dns"]);
    await untilOffered([EAST_POD, WEST_POD], ["east", "west"]);
    const ended = watchWest();
    // The new one before the old one goes, as a Deployment rolls.
    other.start();
    await processes.ready(other, otherHealthPort, WAITING);
    await respondersOfEast(["controllers", "other", "dns"]);
    await untilToldOf(["controllers", "other", "dns"]);
    await respondersOfEast(["other", "dns"]);
    await east.controllers.stop();
    await untilToldOf(["other", "dns"]);
    // Its kernel says that nobody listens there any more, and nobody has told anybody.
    await other.stop();
    // Longer than a cluster is kept that only the broker could vouch for.
    await sleep(clock, STALE_AFTER_MS + 1_000, signal);
    await respondersOfEast(["controllers"]);
    east.controllers.start();
    await untilToldOf(["controllers"]);
    expect(await ended()).toEqual([]);
  } finally {
    await other.stop();
  }
});

test("paths between two members: told, followed by slices and answers as they die and heal, and no broker is needed", async () => {
  const up = await until(
    "the path to east to be up",
    async () => {
      const status = await statusInWest();
      return status?.paths[0]?.state === "up" ? status : undefined;
    },
    WAITING,
  );
  expect(up).toMatchObject({ backend: "underlay", dead: false });
  expect(up.paths[0]?.rttMs).toBeGreaterThan(0);
  await untilOffered([EAST_POD, WEST_POD], ["east", "west"]);
  const { kubeconfig } = west().server;
  const figures = String.raw`up +[\d.]+ ms +[\d.]+% +- +\d{4}-\S+Z`;
  await until(
    "isthmus status to show both ways with their figures, since when and why",
    async () => {
      const status = await mustRunCli(["status", "--kubeconfig", kubeconfig]);
      const used = new RegExp(String.raw`^east +\* underlay +${figures} +first of those`, "m");
      const other = new RegExp(String.raw`^east +overlay-cni +${figures} +5 probes answered`, "m");
      return used.test(status) && other.test(status) ? true : undefined;
    },
    WAITING,
  );

  // Its process stands still: the broker holds its stream and knows of nothing, its responder is silent.
  process.kill(eastControllers().pid ?? 0, "SIGSTOP");
  await untilOffered([WEST_POD], ["west"]);
  expect(await statusInWest()).toMatchObject({
    dead: true,
    paths: [{ state: "down" }, { state: "down" }],
  });

  process.kill(eastControllers().pid ?? 0, "SIGCONT");
  await untilOffered([EAST_POD, WEST_POD], ["east", "west"]);

  await processes.broker.stop();
  const endMs = clock.monotonicMs() + 2 * STALE_AFTER_MS;
  while (clock.monotonicMs() < endMs) {
    expect(await answerInWest()).toEqual([EAST_POD, WEST_POD]);
    expect((await sourcesInWest()).toSorted()).toEqual(["east", "west"]);
    await sleep(clock, 100, signal);
  }
  // Probes go on without it, and so does what follows from them.
  process.kill(eastControllers().pid ?? 0, "SIGSTOP");
  await untilOffered([WEST_POD], ["west"]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SocksClient } from "socks";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { must } from "../../../api/result.ts";
import { connectKube } from "../../../cli/cluster/connect-kube.ts";
import { systemClock as clock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../../sandbox/apiserver/auth/kubeconfig.ts";
import { createApiServer } from "../../../sandbox/apiserver/create-api-server.ts";
import { httpThroughSocks } from "../../../sandbox/clusterset/http-through-socks.ts";
import { sampleNamespace, sampleWorkload } from "../../../sandbox/demo/sample-service.ts";
import type { PodDirectory } from "../../../sandbox/network/pod-directory.ts";
import { type MemberNode, startMemberNode } from "../../../sandbox/node/member-node.ts";
import { ProgramPods } from "../../../sandbox/node/pod-server/program-pods.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { until } from "../../../sandbox/process/until.ts";
import { type LineCluster, podsOf, type TwoClusters } from "./two-clusters.ts";

const PATIENCE_MS = 60_000;

interface Cluster extends LineCluster {
  readonly node: MemberNode;
  readonly directory: PodDirectory;
  readonly close: () => Promise<void>;
}

/**
 * Two embedded clusters whose node runs the program's image as processes: what is applied is what runs. Between the clusters there
 * is a load balancer in front of the hub's Service, and routes between pods.
 */
export async function embeddedClusters(): Promise<TwoClusters> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const folder = await mkdtemp(join(tmpdir(), "isthmus-five-"));
  const [east, west] = await Promise.all([
    startCluster("east", 1, { folder, signal }),
    startCluster("west", 2, { folder, signal }),
  ]);
  must(east.node.setPeers([{ cidrs: ["10.2.0.0/16"], fabric: west.node.fabric }]));
  must(west.node.setPeers([{ cidrs: ["10.1.0.0/16"], fabric: east.node.fabric }]));
  const [port = 0] = await freePorts(1, random);
  const closeBalancer = await loadBalancer(east, port, signal);
  // What an engineer has already: the same namespace in both, a workload in one.
  for (const { kube } of [east, west]) {
    const { resource, object } = sampleNamespace();
    must(await kube.create(resource, object, { signal }));
  }
  for (const { resource, object } of sampleWorkload(2)) {
    must(await east.kube.create(resource, object, { signal }));
  }
  return {
    ...{ east, west, hub: { address: `127.0.0.1:${port}` }, image: "isthmus" },
    patienceMs: PATIENCE_MS,
    wireDns: (cluster) => wireDns(cluster === east ? east : west, signal),
    close: async () => {
      stopping.abort();
      await closeBalancer();
      await Promise.all([east.close(), west.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startCluster(
  name: string,
  index: number,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Cluster> {
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
  const pods = directory;
  if (pods === undefined) throw new Error("the node has a directory");
  return {
    ...{ kubeconfig, kube, node, directory: pods },
    whoAnswers: async (url) => {
      const [, socksPort = ""] = node.socks.split(":");
      const { status, body } = await httpThroughSocks(Number(socksPort), url, { clock });
      if (status !== 200) throw new Error(`status ${status}: ${body}`);
      return (JSON.parse(body) as { readonly pod: string }).pod;
    },
    metricsOf: async ({ status }, port) => {
      const at = pods.lookup(status?.podIP ?? "")?.tcp.get(port);
      return (await fetch(`http://127.0.0.1:${at}/metrics`)).text();
    },
    close: async () => {
      await node.stop();
      await server.stop();
    },
  };
}

/** What a cloud puts in front of a Service: passes connections through. */
async function loadBalancer(
  cluster: Cluster,
  port: number,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const passOn = async (client: Socket): Promise<void> => {
    try {
      const behind = await connectTo(cluster, signal);
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

async function connectTo({ kube, node }: Cluster, signal: AbortSignal): Promise<Socket> {
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

/** The cluster's DNS sends clusterset.local there: the one thing besides the lines. */
async function wireDns(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const lookUp = async (): Promise<number | undefined> => {
    const pods = await podsOf(
      cluster,
      { namespace: "isthmus-system", name: "isthmus-dns" },
      signal,
    );
    const [running] = pods.flatMap(({ status }) => status?.podIP ?? []);
    return running === undefined ? undefined : cluster.directory.lookup(running)?.udp.get(5353);
  };
  const waiting = { clock, timeoutMs: PATIENCE_MS, signal, everyMs: 100 };
  const port = await until("a pod of the DNS server", lookUp, waiting);
  must(cluster.node.setDnsServer(`127.0.0.1:${port}`));
}

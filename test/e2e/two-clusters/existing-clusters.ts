import { request } from "node:http";
import { DEPLOYMENTS } from "../../../api/kube/deployment.ts";
import { NODES } from "../../../api/kube/node.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { serviceImports } from "../../../api/mcs/service-import.ts";
import { must } from "../../../api/result.ts";
import { type ConnectedKube, connectKube } from "../../../cli/cluster/connect-kube.ts";
import { ClientPod } from "../../../cli/verify/client-pod.ts";
import {
  type ClientReport,
  lastReport,
  missingOfRequest,
} from "../../../cli/verify/client-report.ts";
import { CLIENT_PROGRAM, POD_PORT, SERVER_PROGRAM } from "../../../cli/verify/pod-programs.ts";
import { testPodSpec } from "../../../cli/verify/test-pod.ts";
import { namespaceOf } from "../../../cli/verify/test-service.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { SAMPLE, sampleWorkload } from "../../../sandbox/demo/sample-service.ts";
import type { RunOptions } from "../harness/run-options.ts";
import { removeNamespace } from "./remove-namespace.ts";
import type { HubPlace, LineCluster, TwoClusters } from "./two-clusters.ts";

/** Nodes that are busy, and pull images. */
const PATIENCE_MS = 300_000;
const FORWARD_MS = 20_000;

/** Two clusters of the reader's own. They must have no namespace `shop`: it is made here, as the docs have it, and removed. */
export async function existingClusters(options: RunOptions, image: string): Promise<TwoClusters> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const { kubeconfig, contexts, netImage, nodePort } = options;
  const [east, west] = contexts.slice(0, 2).map((context) => {
    const kube = must(connectKube({ kubeconfig, context }, process.env, silentMeter));
    return lineCluster({ kubeconfig, context, image, signal }, kube);
  });
  if (east === undefined || west === undefined) throw new Error("two contexts must be named");
  const made: LineCluster[] = [];
  const close = async (): Promise<void> => {
    const waiting = { timeoutMs: PATIENCE_MS, signal };
    for (const { kube } of made) await removeNamespace(kube, SAMPLE.namespace, waiting);
    stopping.abort();
  };
  try {
    for (const cluster of [east, west]) {
      // Under the strictest rules for pods: ours ask for no exception.
      const { resource, object } = namespaceOf(SAMPLE.namespace);
      must(await cluster.kube.create(resource, object, { signal }));
      made.push(cluster);
    }
    for (const { resource, object } of workload(image)) {
      must(await east.kube.create(resource, object, { signal }));
    }
    const hub = nodePort === undefined ? {} : await behindNodes(east.kube, nodePort, signal);
    return {
      ...{ east, west, hub, image, patienceMs: PATIENCE_MS, close },
      ...(netImage === undefined ? {} : { netImage }),
      wireDns: () => Promise.resolve(),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Way {
  readonly kubeconfig: string;
  readonly context: string;
  readonly image: string;
  readonly signal: AbortSignal;
}

function lineCluster(
  { kubeconfig, context, image, signal }: Way,
  { client, logs, forward }: ConnectedKube,
): LineCluster {
  let started: Promise<ClientPod<ClientReport>> | undefined;
  const start = async (url: URL): Promise<ClientPod<ClientReport>> => {
    const what = { program: CLIENT_PROGRAM, env: { NAME: url.hostname, PORT: url.port || "80" } };
    const place = { namespace: SAMPLE.namespace, image, timeoutMs: PATIENCE_MS, signal };
    const pod = new ClientPod({ ...what, ...place, read: lastReport }, { client, logs });
    must(await pod.start());
    return pod;
  };
  return {
    ...{ kubeconfig, context, kube: client },
    whoAnswers: async (url) => {
      // Not before, so that no DNS server on the client's way remembers that the name was not.
      const { namespace, name } = SAMPLE;
      if (started === undefined)
        must(await client.get({ resource: serviceImports(), namespace, name }, { signal }));
      started ??= start(url);
      const report = must(await (await started).last());
      const missing = missingOfRequest(report);
      if (missing !== undefined) throw new Error(missing);
      return report.body ?? "";
    },
    metricsOf: async ({ metadata }, port) => {
      const { namespace = "", name } = metadata;
      const limits = { timeoutMs: FORWARD_MS, signal };
      const stream = must(await forward({ namespace, pod: name, port }, limits));
      return new Promise<string>((resolve, reject) => {
        const options = { path: "/metrics", host: "localhost", signal };
        const sent = request({ ...options, createConnection: () => stream }, (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            text += chunk;
          });
          response.once("end", () => resolve(text));
          response.once("error", reject);
        });
        sent.once("error", reject);
        sent.end();
      });
    },
  };
}

/** The same Service as on embedded clusters, its pods as any node runs them. */
function workload(
  image: string,
): readonly { readonly resource: Resource; readonly object: KubeObject }[] {
  const ports = [{ name: "http", containerPort: POD_PORT }];
  const env = { PORT: String(POD_PORT) };
  const pod = testPodSpec({ image, program: SERVER_PROGRAM, env, ports });
  return sampleWorkload(2).map(({ resource, object }) => {
    if (resource !== DEPLOYMENTS) return { resource, object };
    const spec = object["spec"] as { readonly template: object };
    return {
      resource,
      object: { ...object, spec: { ...spec, template: { ...spec.template, spec: pod } } },
    };
  });
}

type Node = KubeObject & {
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
};

async function behindNodes(
  kube: KubeClient,
  nodePort: number,
  signal: AbortSignal,
): Promise<HubPlace> {
  const nodes = must(await kube.list<Node>(NODES, {}, { signal })).items;
  const addresses = nodes.flatMap(({ status }) => status?.addresses ?? []);
  const [first] = addresses.filter(({ type }) => type === "InternalIP");
  if (first === undefined) throw new Error("--node-port needs a node with an InternalIP: got none");
  const host = first.address.includes(":") ? `[${first.address}]` : first.address;
  return { address: `${host}:${nodePort}`, nodePort };
}

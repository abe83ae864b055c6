import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { connectKube } from "../../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../../cli/cluster/install-crds.ts";
import { ensureSystemNamespace } from "../../../cli/cluster/system-namespace.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import {
  backendArgs,
  type NetCluster,
  NetClusterset,
} from "../../../sandbox/clusterset/net-clusterset.ts";
import {
  NetNodeProcesses,
  startOnAllNodes,
} from "../../../sandbox/clusterset/net-node-processes.ts";
import { isInRoom } from "../../../sandbox/network/netns/enter-room.ts";
import type { NetShape } from "../../../sandbox/network/netns/net-plan.ts";
import { until } from "../../../sandbox/process/until.ts";

export const DEPS = {
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  meter: silentMeter,
  connect: (kubeconfig: string, context: string) => {
    const kube = connectKube({ kubeconfig, context }, process.env, silentMeter);
    if (!kube.ok) throw new Error(kube.error);
    return kube.value.client;
  },
  installCrds: async (client: NetCluster["kube"], stop: AbortSignal) => {
    const installed = await installCrds(client, systemClock, stop);
    if (!installed.ok) throw new Error(installed.error);
    const namespace = await ensureSystemNamespace(client, stop);
    if (!namespace.ok) throw new Error(namespace.error.message);
  },
} as const;

const START_MS = 120_000;
const WAIT_MS = 60_000;

/** A clusterset of network namespaces with all processes ready, for one test file. Disposed of it leaves nothing. */
export class NetWorld implements AsyncDisposable {
  readonly clusterset: NetClusterset;
  /** Gateways and node agents. */
  readonly nodes: NetNodeProcesses;
  readonly directory: string;
  readonly #abort: AbortController;

  private constructor(fields: {
    readonly clusterset: NetClusterset;
    readonly nodes: NetNodeProcesses;
    readonly directory: string;
    readonly abort: AbortController;
  }) {
    this.clusterset = fields.clusterset;
    this.nodes = fields.nodes;
    this.directory = fields.directory;
    this.#abort = fields.abort;
  }

  static async start(
    shape: Partial<NetShape> = {},
    options: {
      /** Broker, controllers and DNS. @default true */
      readonly processes?: boolean;
      /** What controllers may choose from. @default none: underlay, as it was */
      readonly backends?: readonly string[];
      /** Further arguments of all controllers. */
      readonly controllersArgs?: readonly string[];
      /** Further arguments of all DNS servers, and of the broker. */
      readonly dnsArgs?: readonly string[];
      readonly brokerArgs?: readonly string[];
      /** With backends: gateways and node agents on every node. @default true */
      readonly nodes?: boolean;
      /** What stands before any process of ours starts: somebody else's networks, firewalls, objects. */
      readonly before?: (clusterset: NetClusterset) => Promise<void>;
    } = {},
  ): Promise<NetWorld> {
    if (!isInRoom()) {
      throw new Error(
        "these tests make network namespaces: run them by `npm run test:net -- FILE`, as root",
      );
    }
    const { backends, controllersArgs = [], dnsArgs = [], brokerArgs = [] } = options;
    const directory = mkdtempSync(join(tmpdir(), "isthmus-net-"));
    const abort = new AbortController();
    try {
      const clusterset = await NetClusterset.build(
        {
          shape: { clusters: ["a", "b", "c"], ...shape },
          clusterset: "net",
          directory,
          env: process.env,
          logLevel: "debug",
          dnsArgs,
          brokerArgs,
          ...(backends === undefined
            ? {}
            : {
                controllersArgs: (cluster) => [
                  ...backendArgs(cluster, ...backends),
                  ...controllersArgs,
                ],
              }),
        },
        DEPS,
      );
      const env = { directory, env: process.env, logLevel: "debug" };
      const nodes = new NetNodeProcesses(env, DEPS);
      const world = new NetWorld({ clusterset, nodes, directory, abort });
      await Promise.all(
        clusterset.clusters.map(({ kube }) => DEPS.installCrds(kube, abort.signal)),
      );
      await options.before?.(clusterset);
      if (options.processes !== false) {
        const waiting = { timeoutMs: START_MS, signal: abort.signal };
        await clusterset.startBroker(waiting);
        await clusterset.join(DEPS);
        if (backends !== undefined && options.nodes !== false)
          startOnAllNodes(nodes, clusterset.clusters);
        await clusterset.startMembers(waiting);
      }
      return world;
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  cluster(id: string): NetCluster {
    return this.clusterset.cluster(id);
  }

  async create(cluster: string, resource: Resource, object: KubeObject): Promise<void> {
    const created = await this.cluster(cluster).kube.create(resource, object, {
      signal: this.#abort.signal,
    });
    if (!created.ok && created.error.kind !== "already-exists") {
      throw new Error(`${cluster}: cannot create ${resource.kind}: ${created.error.message}`);
    }
  }

  async remove(
    cluster: string,
    resource: Resource,
    namespace: string,
    name: string,
  ): Promise<void> {
    const gone = await this.cluster(cluster).kube.delete(
      { resource, namespace, name },
      {},
      { signal: this.#abort.signal },
    );
    if (!gone.ok && gone.error.kind !== "not-found") throw new Error(gone.error.message);
  }

  async find<T extends KubeObject>(
    cluster: string,
    resource: Resource,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> {
    const found = await this.cluster(cluster).kube.get<T>(
      { resource, name, ...(namespace === undefined ? {} : { namespace }) },
      { signal: this.#abort.signal },
    );
    return found.ok ? found.value : undefined;
  }

  createNamespace(cluster: string, name: string): Promise<void> {
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    return this.create(cluster, NAMESPACES, object);
  }

  until<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = WAIT_MS): Promise<T> {
    const { signal } = this.#abort;
    return until(what, ask, { clock: systemClock, timeoutMs, signal, everyMs: 50 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nodes.stop();
    await this.clusterset.stop();
    this.#abort.abort();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

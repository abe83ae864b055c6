import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { PathReport } from "../../../api/network/path-report.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../../api/network/resources.ts";
import type { NetCluster } from "../../../sandbox/clusterset/net-clusterset.ts";
import type { NetNodeProcesses } from "../../../sandbox/clusterset/net-node-processes.ts";
import type { HarnessPod } from "../../../sandbox/network/netns/net-member.ts";
import type { NetShape, NodePlan } from "../../../sandbox/network/netns/net-plan.ts";
import { runIn } from "../../../sandbox/network/netns/run-commands.ts";
import { HTTP, UDP, UNEXPORTED } from "./net-service.ts";
import { DEPS, NetWorld } from "./net-world.ts";
import { globalAddress, memberNetworkOf, type NetworkChoice, peerOf } from "./network-objects.ts";

/** A pod that others reach at HTTP and UDP, and that listens at UNEXPORTED all the same. */
export interface ServerPod extends HarnessPod {
  /** As other clusters dial it. */
  readonly globalAddresses: readonly string[];
}

const NAMESPACE = "hand-fed";
const SERVER_OFFSET = 5;
const SETTLED_MS = 1_000;
const READY_MS = 60_000;

/**
 * Gateways and node agents, real processes on every node, over objects that the test writes as controllers would: so what
 * is shown of the data path depends on nothing else. Clients are on every node, a server on every node of every cluster.
 */
export class VxlanWorld implements AsyncDisposable {
  readonly world: NetWorld;
  readonly #choice: NetworkChoice;
  /** By the node's namespace. */
  readonly #servers = new Map<string, ServerPod>();
  readonly #ports: readonly number[];

  private constructor(world: NetWorld, choice: NetworkChoice, ports: readonly number[]) {
    this.world = world;
    this.#choice = choice;
    this.#ports = ports;
  }

  /** Everything but gateways and node agents. */
  static async build(
    shape: Partial<NetShape> = {},
    options: Partial<NetworkChoice> & {
      /** Further TCP ports that servers export; nothing listens there yet. */
      readonly ports?: readonly number[];
    } = {},
  ): Promise<VxlanWorld> {
    const world = await NetWorld.start(shape, { processes: false });
    const { ports = [], ...choice } = options;
    const all = { gateways: 2, encryption: "none", port: 4798, ...choice } as const;
    const vxlan = new VxlanWorld(world, all, ports);
    try {
      await vxlan.#startServers();
      await vxlan.#writeObjects();
      return vxlan;
    } catch (error) {
      await vxlan[Symbol.asyncDispose]();
      throw error;
    }
  }

  get processes(): NetNodeProcesses {
    return this.world.nodes;
  }

  gatewayNodes(id: string): readonly NodePlan[] {
    return this.world.cluster(id).plan.nodes.slice(0, this.#choice.gateways);
  }

  server(node: NodePlan | undefined): ServerPod {
    const server = this.#servers.get(node?.namespace ?? "");
    if (server === undefined) throw new Error(`no server on ${node?.namespace}`);
    return server;
  }

  /** Gateways and node agents of all nodes; resolves once they are ready and every gateway reaches every peer. */
  async startBackend(): Promise<void> {
    for (const cluster of this.world.clusterset.clusters) {
      for (const node of cluster.plan.nodes) this.startNode(cluster, node);
    }
    await Promise.all(
      this.world.clusterset.clusters.flatMap(({ plan }) =>
        plan.nodes.map((node) => this.nodeReady(node)),
      ),
    );
    await this.allWell();
  }

  /** Until all gateways carry packets, for a moment already: what comes earlier meets paths that are just being laid. */
  async allWell(forMs = SETTLED_MS): Promise<void> {
    await this.world.until("every gateway to report every peer as up", () => this.#isWell(forMs));
  }

  /** After a reboot, too: what DaemonSets would start. */
  startNode(cluster: NetCluster, node: NodePlan): void {
    this.processes.start("node-agent", cluster, node);
    if (this.gatewayNodes(cluster.plan.id).includes(node)) {
      this.processes.start("gateway", cluster, node);
    }
  }

  nodeReady(node: NodePlan): Promise<void> {
    const signal = AbortSignal.timeout(2 * READY_MS);
    return this.processes.ready(node, { timeoutMs: READY_MS, signal });
  }

  /** Whether every gateway has told its cluster that it reaches every peer. */
  async #isWell(forMs: number): Promise<true | undefined> {
    for (const { plan, kube } of this.world.clusterset.clusters) {
      const listed = await kube.list<PathReport>(
        PATH_REPORTS,
        {},
        { signal: AbortSignal.timeout(5_000) },
      );
      if (!listed.ok) return undefined;
      const up = listed.value.items.filter(
        ({ spec }) =>
          spec.role === "gateway" &&
          spec.paths.length > 0 &&
          spec.paths.every(({ state, since }) => state === "up" && isOlder(since, forMs)),
      );
      if (up.length < this.gatewayNodes(plan.id).length) return undefined;
    }
    return true;
  }

  /** Whether the gateways of a cluster let requests pass to so many endpoints. IPv4. */
  async hasRulesFor(id: string, count: number): Promise<true | undefined> {
    for (const { namespace } of this.gatewayNodes(id)) {
      const { stdout } = await runIn(namespace, ["nft", "list", "ruleset"]);
      if ((stdout.match(/242\.\d+\.1\d\d\.\d+ \. tcp/g) ?? []).length < count) return undefined;
    }
    return true;
  }

  /** Ends what runs on a node, as a loss of power does, its pods among it. */
  async killNode(node: NodePlan): Promise<void> {
    await Promise.all([this.processes.kill(node), this.#servers.get(node.namespace)?.stop()]);
  }

  /** The pod that a Deployment would have replaced. */
  restoreServer(cluster: NetCluster, node: NodePlan): Promise<void> {
    return this.#startServer(cluster, node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }

  async #startServers(): Promise<void> {
    for (const cluster of this.world.clusterset.clusters) {
      for (const node of cluster.plan.nodes) await this.#startServer(cluster, node);
    }
  }

  async #startServer({ plan, member }: NetCluster, node: NodePlan): Promise<void> {
    const pod = await member.startHarnessPod(node, {
      name: `server-${node.name}`,
      offset: SERVER_OFFSET,
      managed: false,
      ports: [
        { protocol: "TCP", port: HTTP },
        { protocol: "UDP", port: HTTP },
        { protocol: "UDP", port: UDP },
        { protocol: "TCP", port: UNEXPORTED },
        { protocol: "UDP", port: UNEXPORTED },
      ],
    });
    const globalAddresses = pod.addresses.map((address) => globalAddress(plan, address));
    this.#servers.set(node.namespace, { ...pod, globalAddresses });
  }

  /** So many more endpoints of a cluster, in slices of a hundred, that nobody is behind. IPv4. */
  async exportMany(id: string, count: number): Promise<void> {
    const { clusters } = this.world.clusterset;
    const { plan } = this.world.cluster(id);
    const [, second = ""] = (plan.podCidrs[0] ?? "").split(".");
    for (let slice = 0; slice * 100 < count; slice++) {
      const own = Array.from(
        { length: Math.min(100, count - slice * 100) },
        (_, i) => `10.${second}.${100 + slice}.${1 + i}`,
      );
      for (const { plan: importer } of clusters) {
        const addresses =
          importer === plan ? own : own.map((address) => globalAddress(plan, address));
        await this.world.create(importer.id, ENDPOINT_SLICES, {
          ...sliceMeta(`${id}-many-${slice}`, id, `many-${slice}`),
          addressType: "IPv4",
          ports: [{ name: "http", port: HTTP, protocol: "TCP" }],
          endpoints: addresses.map((address) => ({
            addresses: [address],
            conditions: { ready: true },
          })),
        } as EndpointSlice);
      }
    }
  }

  async #writeObjects(): Promise<void> {
    const { clusters } = this.world.clusterset;
    for (const { plan } of clusters) {
      const { id } = plan;
      await this.world.create(id, NAMESPACES, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: NAMESPACE },
      });
      await this.world.create(id, MEMBER_NETWORKS, memberNetworkOf(plan, this.#choice));
      for (const other of clusters) {
        if (other.plan !== plan) {
          await this.world.create(id, PEERS, peerOf(other.plan, this.#choice));
        }
        for (const slice of this.#slicesOf(other, other.plan === plan)) {
          await this.world.create(id, ENDPOINT_SLICES, slice);
        }
      }
    }
  }

  #slicesOf({ plan }: NetCluster, isOwn: boolean): readonly EndpointSlice[] {
    const servers = plan.nodes.map((node) => this.server(node));
    return plan.families.map((family, i) => ({
      ...sliceMeta(`${plan.id}-${family.toLowerCase()}`, plan.id, "server"),
      addressType: family,
      ports: [
        { name: "http", port: HTTP, protocol: "TCP" },
        { name: "load", port: HTTP, protocol: "UDP" },
        { name: "dgram", port: UDP, protocol: "UDP" },
        ...this.#ports.map((port) => ({ name: `p${port}`, port, protocol: "TCP" as const })),
      ],
      endpoints: servers.map(({ addresses, globalAddresses }) => ({
        addresses: [(isOwn ? addresses : globalAddresses)[i] ?? ""],
        conditions: { ready: true },
      })),
    }));
  }
}

function sliceMeta(
  name: string,
  cluster: string,
  service: string,
): Pick<EndpointSlice, "apiVersion" | "kind" | "metadata"> {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace: NAMESPACE,
      name,
      labels: { [LABEL_SOURCE_CLUSTER]: cluster, [LABEL_SERVICE_NAME]: service },
    },
  };
}

function isOlder(since: string | undefined, ms: number): boolean {
  return since !== undefined && DEPS.clock.nowMs() - Date.parse(since) > ms;
}

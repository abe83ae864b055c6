import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { PathReport } from "../../../api/network/path-report.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../../api/network/resources.ts";
import type { NetCluster } from "../../../sandbox/clusterset/net-clusterset.ts";
import type { NetNodeProcesses } from "../../../sandbox/clusterset/net-node-processes.ts";
import type { HarnessPod } from "../../../sandbox/network/netns/net-member.ts";
import type { NetShape, NodePlan } from "../../../sandbox/network/netns/net-plan.ts";
import { mustRunIn } from "../../../sandbox/network/netns/run-commands.ts";
import { HTTP, UDP, UNEXPORTED } from "./net-service.ts";
import { DEPS, NetWorld } from "./net-world.ts";
import { globalAddress, memberNetworkOf, type NetworkChoice, peerOf } from "./network-objects.ts";

/** A pod that others reach at HTTP and UDP, and that listens at UNEXPORTED all the same. */
export interface ServerPod extends HarnessPod {
  /** As other clusters dial it. */
  readonly globalAddresses: readonly string[];
}

export interface VxlanWorldOptions {
  /** Further TCP ports that servers export; nothing listens there yet. */
  readonly ports?: readonly number[];
  /** Ids of the clusters that take part; the others have pods, and nothing of ours. @default all */
  readonly members?: readonly string[];
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
  readonly #members: readonly string[] | undefined;

  private constructor(world: NetWorld, choice: NetworkChoice, options: VxlanWorldOptions) {
    this.world = world;
    this.#choice = choice;
    this.#ports = options.ports ?? [];
    this.#members = options.members;
  }

  /** Clusters whose nodes have gateways and node agents. */
  get clusters(): readonly NetCluster[] {
    const { clusters } = this.world.clusterset;
    return clusters.filter(({ plan }) => this.#members?.includes(plan.id) !== false);
  }

  /** Everything but gateways and node agents. */
  static async build(
    shape: Partial<NetShape> = {},
    options: Partial<NetworkChoice> & VxlanWorldOptions = {},
  ): Promise<VxlanWorld> {
    const world = await NetWorld.start(shape, { processes: false });
    const { ports, members, ...choice } = options;
    const all = { gateways: 2, encryption: "none", port: 4798, ...choice } as const;
    const vxlan = new VxlanWorld(world, all, {
      ...(ports !== undefined && { ports }),
      ...(members !== undefined && { members }),
    });
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
    for (const cluster of this.clusters) {
      for (const node of cluster.plan.nodes) this.startNode(cluster, node);
    }
    await Promise.all(
      this.clusters.flatMap(({ plan }) => plan.nodes.map((node) => this.nodeReady(node))),
    );
    if (this.#choice.encryption === "wireguard") await this.#copyKeys();
    await this.allWell();
  }

  /** Until all gateways carry packets, for a moment already: what comes earlier meets paths that are just being laid. */
  async allWell(forMs = SETTLED_MS): Promise<void> {
    await this.world.until("every gateway to report every peer as up", () => this.#isWell(forMs));
  }

  /** Until all gateways say of each path that it carries packets of so many bytes, and no larger ones. */
  async measured(bytes: number): Promise<void> {
    await this.world.until(`every gateway to report ${bytes} bytes`, async () => {
      for (const { plan, kube } of this.clusters) {
        const known = (await gatewayReports(kube)).filter(
          ({ spec }) => spec.paths.length > 0 && spec.paths.every(({ mtu }) => mtu === bytes),
        );
        if (known.length < this.gatewayNodes(plan.id).length) return undefined;
      }
      return true;
    });
  }

  /** Until all routes of nodes to other clusters are for packets of so many bytes, and no smaller ones: they follow what gateways report. */
  async routed(bytes: number): Promise<void> {
    const nodes = this.clusters.flatMap(({ plan }) => plan.nodes);
    await this.world.until(`routes for ${bytes} bytes`, async () => {
      for (const { namespace } of nodes) {
        const routes = await mustRunIn(namespace, ["ip", "route", "show", "table", "all"]);
        const sizes = [...routes.matchAll(/ mtu (\d+)/g)].map(([, mtu]) => Number(mtu));
        if (Math.min(...sizes) !== bytes) return undefined;
      }
      return true;
    });
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
    for (const { plan, kube } of this.clusters) {
      const up = (await gatewayReports(kube)).filter(
        ({ spec }) =>
          spec.paths.length > 0 &&
          spec.paths.every(({ state, since }) => state === "up" && isOlder(since, forMs)),
      );
      if (up.length < this.gatewayNodes(plan.id).length) return undefined;
    }
    return true;
  }

  /** What controllers and the broker do with public keys: from reports into the peers' objects. Once. */
  async #copyKeys(): Promise<void> {
    const keys = await this.world.until("every gateway to report its key", async () => {
      const found = new Map<string, { readonly publicKey: string; readonly wgPort: number }>();
      for (const { plan, kube } of this.clusters) {
        const reports = await gatewayReports(kube);
        for (const { name, namespace } of this.gatewayNodes(plan.id)) {
          const { publicKey, wgPort } = reports.find(({ spec }) => spec.node === name)?.spec ?? {};
          if (publicKey === undefined || wgPort === undefined) return undefined;
          found.set(namespace, { publicKey, wgPort });
        }
      }
      return found;
    });
    for (const { plan, kube } of this.clusters) {
      for (const other of this.clusters) {
        if (other.plan === plan) continue;
        const told = await kube.apply(PEERS, peerOf(other.plan, this.#choice, keys), {
          signal: AbortSignal.timeout(5_000),
        });
        if (!told.ok) throw new Error(told.error.message);
      }
    }
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

  async #writeObjects(): Promise<void> {
    const { clusters } = this;
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
      ...mcsSliceMeta(`${plan.id}-${family.toLowerCase()}`, plan.id, "server"),
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

/** Of an EndpointSlice as controllers write it for a service of the cluster. */
export function mcsSliceMeta(
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

async function gatewayReports(kube: NetCluster["kube"]): Promise<readonly PathReport[]> {
  const signal = AbortSignal.timeout(5_000);
  const listed = await kube.list<PathReport>(PATH_REPORTS, {}, { signal });
  return listed.ok ? listed.value.items.filter(({ spec }) => spec.role === "gateway") : [];
}

function isOlder(since: string | undefined, ms: number): boolean {
  return since !== undefined && DEPS.clock.nowMs() - Date.parse(since) > ms;
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import { formatListenAddress } from "../../runtime/net/listen-address.ts";
import type { Random } from "../../runtime/random/random.ts";
import { kubeconfigText } from "../apiserver/auth/kubeconfig.ts";
import { type ApiServer, createApiServer } from "../apiserver/create-api-server.ts";
import { isInRoom } from "../network/netns/enter-room.ts";
import { buildNode, buildRoom, clearRoom, removeNode } from "../network/netns/net-commands.ts";
import { NetFaults } from "../network/netns/net-faults.ts";
import { NetMember } from "../network/netns/net-member.ts";
import {
  type ClusterPlan,
  MANAGEMENT,
  type NetPlan,
  type NetShape,
  type NodePlan,
  type PodPlan,
  planHarnessPod,
  planNetwork,
} from "../network/netns/net-plan.ts";
import type { PodProcess } from "../network/netns/pod/pod-process.ts";
import { runCommands, within } from "../network/netns/run-commands.ts";
import { ClustersetProcesses, type ProcessPlace, type Waiting } from "./clusterset-processes.ts";
import { joinMember } from "./join-member.ts";

export interface NetClustersetOptions {
  readonly shape: NetShape;
  readonly clusterset: string;
  /** Receives data, identities, kubeconfigs and logs of all processes. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logLevel?: string;
  /** Further arguments of a member's controllers. */
  readonly controllersArgs?: (cluster: ClusterPlan) => readonly string[];
  /** Of every DNS server. */
  readonly dnsArgs?: readonly string[];
  readonly brokerArgs?: readonly string[];
}

export interface NetClustersetDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
  readonly connect: (kubeconfig: string, context: string) => KubeClient;
  readonly onDeath?: (death: { readonly name: string; readonly how: string }) => void;
}

/** A cluster with everything that belongs to it. */
export interface NetCluster {
  readonly plan: ClusterPlan;
  readonly kube: KubeClient;
  readonly kubeconfig: string;
  readonly member: NetMember;
  /** A pod on each node from which tests talk to the others, in the nodes' order. */
  readonly clients: readonly PodProcess[];
  /** Where its DNS server answers, primary family first. */
  readonly dnsAddresses: readonly string[];
  /** The same for those in the room, over the management link. */
  readonly dnsManagement: string;
}

/** Addresses of harness pods, and ports, the same in every cluster: each is in a namespace of its own. */
const OFFSET = { client: 1, controllers: 2, dns: 3 } as const;
const PORT = {
  broker: 8443,
  brokerHealth: 8082,
  controllers: 8080,
  probe: 8090,
  dnsHealth: 8081,
  dns: 53,
};

/**
 * A clusterset whose clusters are network namespaces: API servers in this process, nodes and pods in namespaces, and the
 * program's own processes where they belong, the broker in the room, controllers and DNS in pods. To be made in
 * a room (`enter-room.ts`), which also is what cleans up.
 */
export class NetClusterset {
  readonly plan: NetPlan;
  readonly clusters: readonly NetCluster[];
  readonly processes: ClustersetProcesses;
  readonly faults = new NetFaults();
  readonly #servers: readonly ApiServer[];

  private constructor(fields: {
    readonly plan: NetPlan;
    readonly clusters: readonly NetCluster[];
    readonly processes: ClustersetProcesses;
    readonly servers: readonly ApiServer[];
  }) {
    this.plan = fields.plan;
    this.clusters = fields.clusters;
    this.processes = fields.processes;
    this.#servers = fields.servers;
  }

  /** Namespaces, API servers, nodes, and a client pod on every node. No process of ours runs yet. */
  static async build(
    options: NetClustersetOptions,
    deps: NetClustersetDeps,
  ): Promise<NetClusterset> {
    if (!isInRoom()) {
      throw new Error("network namespaces must be made in a room: this process is in none");
    }
    const plan = planNetwork(options.shape);
    await runCommands([...clearRoom(), ...buildRoom(plan)]);
    const servers: ApiServer[] = [];
    const clusters = await Promise.all(
      plan.clusters.map(async (cluster) => {
        const { server, kube, kubeconfig } = await startApi(cluster, options, deps);
        servers.push(server);
        const member = new NetMember(plan, cluster, { ...deps, kube });
        member.start();
        const clients = await Promise.all(
          cluster.nodes.map(async (node, index) => {
            const name = `client-${index + 1}`;
            const options = { name, offset: OFFSET.client, managed: false };
            return (await member.startHarnessPod(node, options)).process;
          }),
        );
        const { addresses, managementAddress = "" } = await startPlaces(member, cluster);
        const dns = { dnsAddresses: addresses, dnsManagement: managementAddress };
        return { plan: cluster, kube, kubeconfig, member, clients, ...dns };
      }),
    );
    const processes = new ClustersetProcesses(
      {
        directory: options.directory,
        clusterset: options.clusterset,
        env: options.env,
        logLevel: options.logLevel ?? "info",
        brokerArgs: options.brokerArgs ?? [],
        hubPlace: { host: MANAGEMENT.address, within: [] },
        members: clusters.map(({ plan: cluster, kubeconfig }) => ({
          id: cluster.id,
          kubeconfig,
          context: cluster.id,
          places: {
            controllers: placeOf(cluster, "controllers"),
            dns: placeOf(cluster, "dns"),
          },
          controllersArgs: options.controllersArgs?.(cluster) ?? [],
          dnsArgs: options.dnsArgs ?? [],
        })),
        ports: [
          PORT.broker,
          PORT.brokerHealth,
          ...clusters.flatMap(() => [PORT.controllers, PORT.dnsHealth, PORT.dns]),
        ],
      },
      deps,
    );
    return new NetClusterset({ plan, clusters, processes, servers });
  }

  async startBroker(waiting: Waiting): Promise<void> {
    const { processes } = this;
    processes.broker.start();
    await processes.ready(processes.broker, processes.brokerHealthPort, waiting);
  }

  /** An identity for every member, from a token of its own. */
  async join(deps: { readonly clock: Clock; readonly random: Random }): Promise<void> {
    const { processes } = this;
    await Promise.all(processes.members.map((member) => joinMember(member, processes, deps)));
  }

  /** Controllers and DNS of every member; resolves once they are ready. */
  async startMembers(waiting: Waiting): Promise<void> {
    const { processes } = this;
    await Promise.all(
      processes.members.map(async (member) => {
        member.controllers.start();
        member.dns.start();
        await processes.ready(member.controllers, member.controllersHealthPort, waiting);
        await processes.ready(member.dns, member.dnsHealthPort, waiting);
      }),
    );
  }

  cluster(id: string): NetCluster {
    const found = this.clusters.find(({ plan }) => plan.id === id);
    if (found === undefined) throw new Error(`no cluster ${id} in this network`);
    return found;
  }

  /**
   * Power off and on: everything in the node's namespace is gone, and so are its pods' links. The caller has ended
   * the processes that ran in the namespace, or it lives on with them, unplugged.
   */
  async rebootNode(cluster: NetCluster, node: NodePlan): Promise<void> {
    await runCommands([...removeNode(node), ...buildNode(this.plan, cluster.plan, node)]);
    cluster.member.nodeIsNew(node);
  }

  async stop(): Promise<void> {
    await this.processes.stop();
    await Promise.all(this.clusters.map(({ member }) => member.stop()));
    await Promise.all(this.#servers.map((server) => server.stop()));
    await runCommands(clearRoom());
  }
}

/** What controllers are told for their cluster to take part in connectivity. */
export function backendArgs(
  cluster: ClusterPlan,
  ...backends: readonly string[]
): readonly string[] {
  const [host = ""] = planPlace(cluster, "controllers").addresses;
  return [
    ...["--probe-listen", formatListenAddress({ host, port: PORT.probe })],
    ...["--backends", backends.join(","), "--cidrs", cluster.podCidrs.join(",")],
    ...["--service-cidrs", cluster.serviceCidrs.join(",")],
  ];
}

async function startApi(
  cluster: ClusterPlan,
  options: NetClustersetOptions,
  deps: NetClustersetDeps,
): Promise<{
  readonly server: ApiServer;
  readonly kube: KubeClient;
  readonly kubeconfig: string;
}> {
  const server = await createApiServer(
    { listen: { host: MANAGEMENT.address, port: 0 }, serviceCidrs: cluster.serviceCidrs },
    deps,
  );
  if (!server.ok) throw new Error(server.error);
  await server.value.start();
  mkdirSync(join(options.directory, cluster.id), { recursive: true });
  const kubeconfig = join(options.directory, cluster.id, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText([server.value.kubeconfigEntry(cluster.id)]), {
    mode: 0o600,
  });
  return { server: server.value, kube: deps.connect(kubeconfig, cluster.id), kubeconfig };
}

/** The pods that controllers and DNS run in; resolves to the DNS server's. */
async function startPlaces(member: NetMember, cluster: ClusterPlan): Promise<PodPlan> {
  const node = firstNode(cluster);
  for (const name of ["controllers", "dns"] as const) {
    await member.startHarnessPod(node, { name, offset: OFFSET[name], managed: true });
  }
  return planPlace(cluster, "dns");
}

function placeOf(cluster: ClusterPlan, name: "controllers" | "dns"): ProcessPlace {
  const { namespace, managementAddress = "" } = planPlace(cluster, name);
  return { host: managementAddress, within: within(namespace, []) };
}

function planPlace(cluster: ClusterPlan, name: "controllers" | "dns"): PodPlan {
  return planHarnessPod(cluster, firstNode(cluster), { name, offset: OFFSET[name], managed: true });
}

function firstNode(cluster: ClusterPlan): NodePlan {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error(`cluster ${cluster.id} has no nodes`);
  return node;
}

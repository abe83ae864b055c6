import { invariant } from "../../api/invariant.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseHostPort } from "../network/loopback.ts";
import type { MemberNetwork } from "../network/member-network.ts";
import { type PeerNetwork, parsePeers } from "../network/member-network-options.ts";
import type { ClusterObjects } from "../network/names/cluster-names.ts";
import { NetworkStack } from "../network/network-stack.ts";
import type { PodDirectory } from "../network/pod-directory.ts";
import { Kubelet } from "./kubelet/kubelet.ts";
import { NodeRegistration } from "./kubelet/node-registration.ts";
import { PodIpPool } from "./kubelet/pod-ip-pool.ts";
import type { MemberNodeDeps, MemberNodeOptions } from "./member-node-options.ts";
import { type MemberViews, SLICES_BY_SERVICE, startMemberViews } from "./member-views.ts";
import { type MemberNodeSettings, parseMemberOptions } from "./parse-member-options.ts";
import { LoopbackPods } from "./pod-server/loopback-pods.ts";
import { SliceController } from "./slices/slice-controller.ts";
import { DEPLOYMENT_WORKLOAD } from "./workloads/deployment-workload.ts";
import { STATEFUL_SET_WORKLOAD } from "./workloads/stateful-set-workload.ts";
import { WorkloadController } from "./workloads/workload-controller.ts";

/** A running node with its network. */
export interface MemberNode {
  /** `host:port` of the SOCKS5 entry: a shell inside this cluster. */
  readonly socks: string;
  /** `host:port` for peers' `PeerNetwork.fabric`. */
  readonly fabric: string;
  /** The address that connections from the SOCKS5 entry have inside the cluster. */
  readonly shellIp: string;
  readonly nodeIp: string;
  /** Dials pod and cluster IPs as a pod of this member would. */
  readonly network: MemberNetwork;
  /** Gives other parts of the process an address in this member, e.g. a gateway. */
  readonly directory: PodDirectory;
  /** Replaces all; an error names the peer that cannot be parsed, and nothing changes. */
  setPeers(peers: readonly PeerNetwork[]): Result<void, string>;
  /** `host:port`; see `MemberNodeOptions.dnsServer`. */
  setDnsServer(address: string): Result<void, string>;
  /** Idempotent; ends within about two seconds. Pods stay in the API server. */
  stop(): Promise<void>;
}

/** Addresses of the infrastructure, counted from the end of the primary pod CIDR: `.250` and `.251` of a /24. */
const SHELL_FROM_END = 6;
const NODE_FROM_END = 5;

/**
 * Starts the node of one member. Resolves once its entries listen; Pods are adopted as they are seen.
 * Fails on bad options or a taken port.
 */
export async function startMemberNode(
  options: MemberNodeOptions,
  deps: MemberNodeDeps,
): Promise<Result<MemberNode, string>> {
  const settings = parseMemberOptions(options);
  if (!settings.ok) return err(`cannot start the member node: ${settings.error}`);
  const stopping = new AbortController();
  const views = startMemberViews(deps, stopping.signal);
  const node = new RunningNode(settings.value, { ...deps, views });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([node.stop(), views.stopped()]);
  };
  const started = await node.start();
  if (started.ok) return ok({ ...started.value, stop });
  await stop();
  return started;
}

class RunningNode {
  readonly #stack: NetworkStack;
  readonly #agents: readonly { start(): void; stop(): Promise<void> }[];
  readonly #shellIp: string;
  readonly #nodeIp: string;

  constructor(
    settings: MemberNodeSettings,
    deps: MemberNodeDeps & { readonly views: MemberViews },
  ) {
    const { views } = deps;
    const pools = settings.podCidrs.map((cidr) => new PodIpPool(cidr));
    const [primary] = pools;
    invariant(primary !== undefined, "a member has a pod CIDR");
    this.#shellIp = primary.reserved(SHELL_FROM_END);
    this.#nodeIp = primary.reserved(NODE_FROM_END);
    this.#stack = new NetworkStack(
      { ...settings, shellIp: this.#shellIp },
      { ...deps, ...views, objects: clusterObjectsOf(views) },
    );
    const shared = { ...deps, ...views };
    const { directory } = this.#stack;
    const loopback = new LoopbackPods(directory, deps.clock);
    const nodes = {
      zoneOf: (name: string) => (name === settings.nodeName ? settings.zone : undefined),
    };
    const identity = { ...settings, nodeIp: this.#nodeIp, nodeIps: [this.#nodeIp] };
    this.#agents = [
      new NodeRegistration(identity, shared),
      new Kubelet(identity, {
        ...shared,
        pools,
        runtime: deps.runtimeAround?.(loopback, directory) ?? loopback,
      }),
      new WorkloadController(DEPLOYMENT_WORKLOAD, shared.deployments, shared),
      new WorkloadController(STATEFUL_SET_WORKLOAD, shared.statefulSets, shared),
      new SliceController({ ...shared, nodes }),
    ];
  }

  async start(): Promise<Result<Omit<MemberNode, "stop">, string>> {
    for (const agent of this.#agents) agent.start();
    const entries = await this.#stack.start();
    if (!entries.ok) return entries;
    return ok({
      ...entries.value,
      shellIp: this.#shellIp,
      nodeIp: this.#nodeIp,
      network: this.#stack.network,
      directory: this.#stack.directory,
      setPeers: (peers) => this.#setPeers(peers),
      setDnsServer: (address) => this.#setDnsServer(address),
    });
  }

  /** Entries first: nothing new comes in while the pods end. */
  async stop(): Promise<void> {
    await this.#stack.stop();
    await Promise.all(this.#agents.map((agent) => agent.stop()));
  }

  #setPeers(peers: readonly PeerNetwork[]): Result<void, string> {
    const routes = parsePeers(peers);
    if (!routes.ok) return routes;
    this.#stack.network.setPeers(routes.value);
    return ok(undefined);
  }

  #setDnsServer(address: string): Result<void, string> {
    const server = parseHostPort(address);
    if (!server.ok) return server;
    this.#stack.setDnsServer(server.value);
    return ok(undefined);
  }
}

function clusterObjectsOf(views: MemberViews): ClusterObjects {
  return {
    service: (namespace, name) => views.services.get(`${namespace}/${name}`),
    slices: (namespace, name) =>
      views.endpointSlices.byIndex(SLICES_BY_SERVICE, `${namespace}/${name}`),
  };
}

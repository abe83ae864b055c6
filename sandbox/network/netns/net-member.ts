import { createHash } from "node:crypto";
import { type Cidr, parseCidr } from "../../../api/network/cidr.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Pod } from "../../node/kinds/pod.ts";
import { Kubelet } from "../../node/kubelet/kubelet.ts";
import { NodeRegistration } from "../../node/kubelet/node-registration.ts";
import { PodIpPool } from "../../node/kubelet/pod-ip-pool.ts";
import type { NodeKube } from "../../node/member-node-options.ts";
import { type MemberViews, startMemberViews } from "../../node/member-views.ts";
import type { PodPort } from "../../node/pod-server/pod-runtime.ts";
import { SliceController } from "../../node/slices/slice-controller.ts";
import { DEPLOYMENT_WORKLOAD } from "../../node/workloads/deployment-workload.ts";
import { STATEFUL_SET_WORKLOAD } from "../../node/workloads/stateful-set-workload.ts";
import { WorkloadController } from "../../node/workloads/workload-controller.ts";
import { type ClusterPlan, type NetPlan, type NodePlan, planHarnessPod } from "./net-plan.ts";
import { NetPods } from "./net-pods.ts";
import type { PodProcess } from "./pod/pod-process.ts";
import { ServiceProxy } from "./service-proxy.ts";

export interface NetMemberDeps {
  /** This member's own API server. */
  readonly kube: NodeKube;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

export interface HarnessPodOptions {
  /** Of one cluster's harness pods only one has it. */
  readonly name: string;
  /** Of one node's harness pods only one has it; 0 to 13. */
  readonly offset: number;
  /** Whether it is on the management link. */
  readonly managed: boolean;
  /** @default none: it only asks */
  readonly ports?: readonly PodPort[];
}

export interface HarnessPod {
  readonly process: PodProcess;
  /** Primary family first. */
  readonly addresses: readonly string[];
  /** Ends the process and removes the namespace. */
  stop(): Promise<void>;
}

interface NetNode {
  readonly plan: NodePlan;
  readonly pods: NetPods;
  readonly proxy: ServiceProxy;
  readonly agents: readonly Agent[];
}

interface Agent {
  start(): void;
  stop(): Promise<void>;
}

const TERMINATION_GRACE_MS = 1_000;

/**
 * What the nodes of one cluster do whose namespaces `buildRoom` has made: kubelets, kube-proxies, and the controllers of
 * Deployments and EndpointSlices. Pods go to the nodes by the hash of their name.
 */
export class NetMember {
  readonly cluster: ClusterPlan;
  readonly #deps: NetMemberDeps;
  readonly #views: MemberViews & { readonly stopped: () => Promise<void> };
  readonly #stopping = new AbortController();
  readonly #nodes: readonly NetNode[];
  readonly #controllers: readonly Agent[];

  constructor(plan: NetPlan, cluster: ClusterPlan, deps: NetMemberDeps) {
    this.cluster = cluster;
    this.#deps = deps;
    this.#views = startMemberViews(deps, this.#stopping.signal);
    this.#nodes = cluster.nodes.map((node) => this.#makeNode(plan, node));
    const shared = { ...deps, ...this.#views };
    this.#controllers = [
      new WorkloadController(DEPLOYMENT_WORKLOAD, shared.deployments, shared),
      new WorkloadController(STATEFUL_SET_WORKLOAD, shared.statefulSets, shared),
      new SliceController({ ...shared, nodes: { zoneOf } }),
    ];
  }

  start(): void {
    for (const agent of this.#agents()) agent.start();
  }

  /** The process of a Pod, on whichever node. */
  pod(namespace: string, name: string): PodProcess {
    const key = `${namespace}/${name}`;
    for (const { pods } of this.#nodes) {
      const found = pods.find(key);
      if (found !== undefined) return found;
    }
    throw new Error(`${this.cluster.id}: no pod ${key} runs here`);
  }

  /** A pod of the harness, which no API server knows: a client, a server, or the place of one of our own processes. */
  async startHarnessPod(node: NodePlan, options: HarnessPodOptions): Promise<HarnessPod> {
    const place = this.#nodes.find(({ plan }) => plan === node);
    if (place === undefined) throw new Error(`${this.cluster.id}: no node ${node.name}`);
    const plan = planHarnessPod(this.cluster, node, options);
    const [podIp = ""] = plan.addresses;
    const identity = {
      cluster: this.cluster.id,
      node: node.name,
      namespace: "harness",
      pod: options.name,
      podIp,
    };
    const started = await place.pods.runPlanned(options.name, plan, {
      identity,
      ips: plan.addresses,
      ports: options.ports ?? [],
    });
    if (!started.ok) throw new Error(started.error);
    return { ...started.value, addresses: plan.addresses };
  }

  /** To be told when a node's namespace was made anew. Its pods are gone for good; Deployments replace deleted Pods. */
  nodeIsNew(node: NodePlan): void {
    this.#nodes.find(({ plan }) => plan === node)?.proxy.reload();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#agents().map((agent) => agent.stop()));
    await this.#views.stopped();
  }

  #agents(): readonly Agent[] {
    return [
      ...this.#nodes.flatMap(({ agents, proxy }) => [...agents, proxy]),
      ...this.#controllers,
    ];
  }

  #makeNode(plan: NetPlan, node: NodePlan): NetNode {
    const { clock, log } = this.#deps;
    const shared = { ...this.#deps, ...this.#views };
    const podCidrs = node.podCidrs.map(mustParseCidr);
    const pods = new NetPods({ node, mtu: plan.mtu }, clock);
    const identity = {
      cluster: this.cluster.id,
      nodeName: node.name,
      nodeIp: node.addresses[0] ?? "",
      nodeIps: node.addresses,
      zone: zoneOf(node.name),
      podCidrs,
      terminationGraceMs: TERMINATION_GRACE_MS,
      takes: (pod: Pod) => this.#nodeFor(pod) === node,
    };
    return {
      plan: node,
      pods,
      proxy: new ServiceProxy(node, { ...this.#views, clock, log }),
      agents: [
        new NodeRegistration(identity, shared),
        new Kubelet(identity, {
          ...shared,
          pools: podCidrs.map((cidr) => new PodIpPool(cidr)),
          runtime: pods,
        }),
      ],
    };
  }

  #nodeFor(pod: Pod): NodePlan | undefined {
    const { nodes } = this.cluster;
    const hash = createHash("sha256").update(pod.metadata.name).digest();
    return nodes[hash.readUInt32BE(0) % nodes.length];
  }
}

/** Zones count as nodes do. */
function zoneOf(nodeName: string): string {
  return nodeName.replace("node", "zone");
}

function mustParseCidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

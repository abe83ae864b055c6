import { NETWORK_ROW_KEY } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { NODES, type Node } from "../../api/kube/node.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { HeardReports } from "../../api/network/heard-reports.ts";
import { LOCAL_NETWORK, type MemberNetwork } from "../../api/network/member-network.ts";
import type { GlobalPrefix } from "../../api/network/network-facts.ts";
import {
  parseMemberNetwork,
  parsePathReport,
  parsePeer,
} from "../../api/network/parse-network-objects.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../api/network/resources.ts";
import type { NetworkLink } from "../../broker/client/network-link.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { type JobOutcome, WorkQueue } from "../../runtime/kube/queue/work-queue.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { EventRecorder } from "../events/event-recorder.ts";
import { OwnObjects } from "../reconcile/own-objects.ts";
import {
  deriveFacts,
  deriveMemberNetwork,
  type ElectGateways,
  type NetworkAbilities,
  type NetworkSettings,
  type NetworkWorld,
} from "./derive-network.ts";
import { findOverlaps } from "./find-overlaps.ts";
import { NetworkProblems } from "./network-problems.ts";
import { addressNodes, type NodeAddressing } from "./node-addresses.ts";
import { hostNetworksOf, slimNode } from "./node-facts.ts";
import { PeerPublisher } from "./peer-publisher.ts";
import { FEW_NODES, type PodNetworks, podNetworks } from "./pod-networks.ts";
import { ServiceNetworkReader } from "./service-networks.ts";
import { SilentReports } from "./silent-reports.ts";
import { outcomeOf, SpecWriter } from "./spec-writer.ts";

export interface NetworkPublisherOptions {
  readonly cluster: ClusterId;
  readonly settings: NetworkSettings;
  readonly abilities: Changing<NetworkAbilities>;
  /** Global prefixes that the admin has fixed. */
  readonly fixed: readonly GlobalPrefix[];
  readonly electGateways: ElectGateways;
}

export interface NetworkPublisherDeps {
  readonly client: KubeClient;
  readonly link: NetworkLink;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Reports go stale and quarantines end without anything being written. */
const LOOK_AGAIN_MS = 10_000;
const OWN = "own";
const NODES_SHOWN = 20;

/**
 * Tells peers about this cluster's network (its network row), and this cluster about itself (MemberNetwork `local`) and its
 * peers (Peer). Runs where the member takes part in connectivity, in the leader alone.
 */
export class NetworkPublisher {
  readonly #options: NetworkPublisherOptions;
  readonly #deps: NetworkPublisherDeps;
  readonly #objects: OwnObjects;
  readonly #specs: SpecWriter;
  readonly #queue: WorkQueue;
  readonly #nodes: Reflector<Node>;
  readonly #reports: Reflector<KubeObject>;
  readonly #networks: Reflector<KubeObject>;
  readonly #peers: Reflector<KubeObject>;
  readonly #peerPublisher: PeerPublisher;
  readonly #services: ServiceNetworkReader;
  readonly #problems: NetworkProblems;
  readonly #silent = new SilentReports();
  readonly #heard = new HeardReports();
  #addressing: NodeAddressing | undefined;

  constructor(options: NetworkPublisherOptions, deps: NetworkPublisherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.client);
    this.#specs = new SpecWriter(deps.client);
    this.#nodes = new Reflector<Node>({ resource: NODES, project: slimNode }, deps);
    this.#reports = new Reflector<KubeObject>({ resource: PATH_REPORTS }, deps);
    this.#networks = new Reflector<KubeObject>({ resource: MEMBER_NETWORKS }, deps);
    this.#peers = new Reflector<KubeObject>({ resource: PEERS }, deps);
    this.#peerPublisher = new PeerPublisher({
      ...{ link: deps.link, peers: this.#peers.view },
      ...{ specs: this.#specs, objects: this.#objects },
    });
    this.#services = new ServiceNetworkReader(options.settings.serviceCidrs, deps);
    this.#problems = new NetworkProblems(deps);
    this.#queue = new WorkQueue(
      { name: "network", concurrency: 1 },
      (key, signal) =>
        key === OWN ? this.#publishOwn(signal) : this.#peerPublisher.publish(key, signal),
      deps,
    );
  }

  get reflectors(): readonly Pick<Reflector<Node>, "start" | "synced" | "status">[] {
    return [this.#nodes, this.#reports, this.#networks, this.#peers];
  }

  /** Nothing waits to be written. */
  get idle(): boolean {
    return this.#queue.idle;
  }

  /** Runs until the signal aborts; what was written stays (CLN-10). */
  async run(signal: AbortSignal): Promise<void> {
    for (const reflector of this.reflectors) reflector.start(signal);
    for (const reflector of this.reflectors) {
      if (!(await reflector.synced(signal))) return;
    }
    const unsubscribe = [
      this.#options.abilities.subscribe(() => this.#queue.add(OWN)),
      this.#nodes.view.subscribe(() => this.#queue.add(OWN)),
      this.#reports.view.subscribe(() => this.#queue.add(OWN)),
      this.#networks.view.subscribe(() => this.#queue.add(OWN)),
      this.#deps.link.subscribe((event) => {
        if (event.kind === "networks-changed" || event.kind === "synced") this.lookAgain();
      }),
    ];
    this.lookAgain();
    this.#queue.start(signal);
    await this.#queue.stopped();
    for (const stop of unsubscribe) stop();
  }

  /** Looks at everything once more; an unchanged world sees no write from it (I9). */
  lookAgain(): void {
    this.#queue.add(OWN);
    for (const name of this.#peerPublisher.names()) this.#queue.add(name);
  }

  async #publishOwn(signal: AbortSignal): Promise<JobOutcome> {
    const { link } = this.#deps;
    await this.#removeSilentReports(signal);
    const known = this.#known();
    const services = await this.#services.current(known?.spec.serviceCidrs ?? [], signal);
    const nodes = [...this.#nodes.view.values()];
    const pods = this.#podNetworks(nodes, known, services.networks);
    // What many networks are said as depends on what others say: not before that is known for the first time.
    const isFirst = known === undefined && pods.networks.length > 0 && nodes.length > FEW_NODES;
    if (isFirst && !link.hasSynced()) return LATER;
    const { fixed } = this.#options;
    const asked = link.setGlobalNeed({ podCidrs: pods.networks, fixed });
    const world = this.#observe(nodes, {
      known,
      podCidrs: pods.networks,
      serviceCidrs: services.networks,
    });
    // Not before the hub has answered: a row without global addresses would take them from peers that know them (I7).
    if (world.block !== undefined) link.setOwnNetwork(deriveFacts(world));
    const problems = [
      ...pods.problems,
      ...services.problems,
      ...(asked.ok ? [] : [`global addresses not asked for: ${asked.error}`]),
      ...this.#problemsOf(world),
    ];
    this.#problems.note(problems, findOverlaps(pods.networks, link.networks()));
    if (known !== undefined) {
      const failed = await this.#problems.publish(known, problems, signal);
      if (failed !== undefined) return outcomeOf(failed) ?? LATER;
    }
    // Without an answer of the hub an earlier MemberNetwork stays: what is known is better than nothing (I7).
    if (world.block === undefined && known !== undefined) return LATER;
    const spec = deriveMemberNetwork(world);
    const there = this.#networks.view.get(LOCAL_NETWORK);
    const local = { resource: MEMBER_NETWORKS, name: LOCAL_NETWORK, spec };
    const failed = await this.#specs.write(local, there, signal);
    return failed ?? LATER;
  }

  /** Pods that report come and go under ever new names; what cannot be removed now is another time. */
  async #removeSilentReports(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    const reports = [...this.#reports.view.values()];
    for (const report of this.#silent.look(reports, clock.monotonicMs())) {
      const removed = await this.#objects.remove(PATH_REPORTS, report, signal);
      const { name } = report.metadata;
      if (!removed.ok) log.debug("silent path report not removed", { name, err: removed.error });
    }
  }

  /** As an earlier look, or process, said it; undefined: it did not, or it cannot be read. */
  #known(): MemberNetwork | undefined {
    const object = this.#networks.view.get(LOCAL_NETWORK);
    const parsed = object === undefined ? undefined : parseMemberNetwork(object);
    return parsed?.ok === true ? parsed.value : undefined;
  }

  #podNetworks(
    nodes: readonly Node[],
    known: MemberNetwork | undefined,
    services: readonly string[],
  ): PodNetworks {
    const { settings, fixed } = this.#options;
    const peers = [...this.#peers.view.values()].flatMap((object) => {
      const peer = parsePeer(object);
      return peer.ok ? [peer.value.spec] : [];
    });
    const others = [...peers, ...this.#deps.link.networks().values()];
    const own = known?.spec;
    return podNetworks({
      given: settings.podCidrs,
      nodes,
      known: [...fixed.map(({ cidr }) => cidr), ...(own?.podCidrs ?? [])],
      avoid: [
        ...services,
        ...nodes.flatMap(hostNetworksOf),
        ...(own?.nodePrefixes ?? []),
        ...(own?.globalPrefixes ?? []).map(({ global }) => global),
        ...others.flatMap(({ podCidrs, nodePrefixes, globalPrefixes }) => [
          ...podCidrs,
          ...nodePrefixes,
          ...globalPrefixes.map(({ global }) => global),
        ]),
      ],
    });
  }

  #observe(
    nodes: readonly Node[],
    said: Pick<NetworkWorld, "podCidrs" | "serviceCidrs"> & {
      readonly known: MemberNetwork | undefined;
    },
  ): NetworkWorld {
    const { clock, link } = this.#deps;
    const block = link.globalBlock();
    const previous = this.#addressing ?? {
      addresses: said.known?.spec.nodeAddresses ?? {},
      absentSinceMs: new Map<string, number>(),
    };
    const names = nodes.map(({ metadata }) => metadata.name);
    if (block !== undefined) {
      const nowMs = clock.monotonicMs();
      this.#addressing = addressNodes(previous, names, block.nodePrefixes, nowMs);
    }
    const written = [...this.#reports.view.values()].flatMap((object) => {
      const report = parsePathReport(object);
      return report.ok ? [report.value] : [];
    });
    const reports = this.#heard.takeAll(written, clock.nowMs());
    const { cluster, settings, abilities, electGateways } = this.#options;
    const nodeAddresses = this.#addressing?.addresses ?? {};
    const { podCidrs, serviceCidrs } = said;
    const own = {
      cluster,
      settings,
      abilities: abilities.current,
      electGateways,
      podCidrs,
      serviceCidrs,
    };
    return { ...own, nodes, reports, block, nodeAddresses, nowMs: clock.nowMs() };
  }

  #problemsOf({ block }: NetworkWorld): readonly string[] {
    const problems: string[] = [];
    if (block !== undefined && block.problem !== "") {
      problems.push(`global addresses not given by the hub: ${block.problem}`);
    }
    const left = this.#addressing?.left ?? [];
    if (left.length > 0) {
      problems.push(
        `no global address left for ${left.length} nodes: ${left.slice(0, NODES_SHOWN).join(", ")}`,
      );
    }
    const refusal = this.#deps.link.refusal(NETWORK_ROW_KEY);
    if (refusal !== undefined) problems.push(`refused by the hub: ${refusal}`);
    return problems;
  }
}

const LATER: JobOutcome = { kind: "again-after", delayMs: LOOK_AGAIN_MS };

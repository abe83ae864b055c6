import type { ClusterId } from "../../../api/cluster-id.ts";
import { type ServiceKey, splitServiceKey } from "../../../api/service-key.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { PeerWatch } from "../../liveness/peer-watch.ts";
import { servicesOf } from "../../reconcile/concerned-services.ts";
import { isOwn } from "../../reconcile/is-own.ts";
import { namedExporters } from "../../reconcile/mentioned-clusters.ts";
import type { Views } from "../../reconcile/world.ts";
import { planSweeps } from "./plan-sweeps.ts";
import { SliceSweeper } from "./slice-sweeper.ts";

export interface LostClustersDeps {
  readonly client: Pick<KubeClient, "deleteCollection">;
  readonly views: Views;
  readonly link: BrokerLink;
  readonly peers: Pick<PeerWatch, "isLost" | "healthFor" | "isAwaited">;
  /** A service that a pass must look at. */
  readonly onLook: (key: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Head start of the report that a path is dead (`paths/`), by which DNS answers go ahead of slices: thousands of writes after it
 * keep it from nobody.
 */
const REPORT_FIRST_MS = 50;

/** Clusters that are lost, from then until their slices go: as many at once as can, the rest by passes of their services. */
export class LostClusters {
  readonly #deps: LostClustersDeps;
  readonly #sweeper: SliceSweeper;
  /** Their slices stand yet. BOUNDED: by the clusterset's members. */
  readonly #waiting = new Set<ClusterId>();
  #timer: Timer | undefined;

  constructor(deps: LostClustersDeps) {
    this.#deps = deps;
    this.#sweeper = new SliceSweeper({
      client: deps.client,
      isLost: (cluster, service) => deps.peers.isLost(cluster, service),
      onLeft: (services) => {
        for (const key of services) deps.onLook(key);
      },
      log: deps.log,
    });
  }

  /** Nothing to do at this moment. */
  get idle(): boolean {
    return this.#sweeper.idle && this.#timer === undefined;
  }

  add(clusters: Iterable<ClusterId>): void {
    for (const cluster of clusters) this.#waiting.add(cluster);
    this.#timer ??= this.#deps.clock.setTimer(REPORT_FIRST_MS, () => this.#withdraw());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sweeper.stop();
  }

  /** Resolves when what was under way at the stop is over. */
  stopped(): Promise<void> {
    return this.#sweeper.stopped();
  }

  /** Who is back meanwhile was looked at then. */
  #withdraw(): void {
    const { views, link, peers, onLook } = this.#deps;
    const lost = new Set([...this.#waiting].filter((cluster) => peers.isLost(cluster)));
    this.#waiting.clear();
    this.#timer = undefined;
    const sweeps = planSweeps(views.slices.values(), lost, {
      healthFor: (service) => peers.healthFor(service),
      mayChange: (service, sources) => this.#isSettled(service, sources),
    });
    this.#sweeper.sweep(sweeps);
    // Deletions come back as events of their services.
    const swept: ReadonlySet<string> = new Set(sweeps.flatMap(({ services }) => services));
    for (const key of servicesOf(lost, { views, link })) if (!swept.has(key)) onLook(key);
  }

  /** Its import is ours, and nothing is awaited of anybody who has a part in it: a pass would change it too. */
  #isSettled(service: ServiceKey, sources: Iterable<ClusterId>): boolean {
    const { views, link, peers } = this.#deps;
    const serviceImport = views.imports.get(service);
    if (serviceImport === undefined || !isOwn(serviceImport)) return false;
    const parts = [...sources, ...namedExporters(serviceImport)];
    const { namespace } = splitServiceKey(service);
    return link.hasSynced(namespace) && !parts.some((one) => peers.isAwaited(one));
  }
}

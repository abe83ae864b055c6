import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { PathSelection } from "../../connectivity/path-selection.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Gauge, Meter } from "../../runtime/metrics/meter.ts";
import { isAloneAmong, type Judgement, judgePeers, NOBODY_LOST } from "./judge-peers.ts";
import type { PeerHealth } from "./withheld-clusters.ts";

export interface PeerWatchOptions {
  /**
   * How long a cluster may be without a connection to the broker before its endpoints are withdrawn, milliseconds;
   * infinite: for ever.
   */
  readonly staleAfterMs: number;
}

export interface PeerWatchDeps {
  readonly link: Pick<BrokerLink, "peers" | "isKnown" | "hasSynced" | "status" | "subscribe">;
  readonly paths: Pick<PathSelection, "health" | "subscribe">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
}

/** How long anybody is waited for whose rows are not known, when lost clusters are kept for ever; milliseconds. */
const AWAIT_MS = 60_000;

/** Judges the other clusters by probes of their data path, by the broker's word and as time passes, and tells whose judgement has changed. */
export class PeerWatch implements PeerHealth {
  readonly #options: PeerWatchOptions;
  readonly #deps: PeerWatchDeps;
  readonly #lostGauge: Gauge;
  readonly #peersGauge: Gauge;
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<(clusters: ReadonlySet<ClusterId> | "all") => void>();
  /** Clusters whose rows are known. BOUNDED: by the clusterset's members. */
  readonly #known = new Set<ClusterId>();
  #isWaitingOver = false;
  /** What was told last. */
  #wasAlone = false;
  #judgement: Judgement = NOBODY_LOST;
  #firstSyncedMs: number | undefined;
  #timer: Timer | undefined;

  constructor(options: PeerWatchOptions, deps: PeerWatchDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#lostGauge = deps.meter.gauge({
      name: "isthmus_controllers_lost_peers",
      help: "Clusters without a connection to the broker for longer than their endpoints are kept.",
    });
    this.#peersGauge = deps.meter.gauge({
      name: "isthmus_controllers_peers",
      help: "Other clusters by liveness, as judged last while the broker could be heard: alive, suspect or gone.",
      labels: ["liveness"],
    });
  }

  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    const unsubscribe = this.#deps.link.subscribe((event) => {
      if (event.kind === "service-changed") return;
      this.#judge(event.kind === "peers-changed" ? event.clusters : NO_CLUSTERS);
    });
    const ignorePaths = this.#deps.paths.subscribe((peers) => this.#onPaths(peers));
    signal.addEventListener(
      "abort",
      () => {
        unsubscribe();
        ignorePaths();
        this.#timer?.cancel();
      },
      { once: true },
    );
    this.#judge(NO_CLUSTERS);
  }

  /**
   * Its endpoints are to be withheld, if others are left: probes have proved its data path dead, or the broker has lost it and
   * no probe proves it alive (design, decision 6).
   * @param service where a service is pinned to a path of its own
   */
  isLost(cluster: ClusterId, service?: ServiceKey): boolean {
    const health = this.#deps.paths.health(cluster, service);
    if (health !== "unknown") return health === "dead";
    const { lost, isUnlistedLost } = this.#judgement;
    if (lost.has(cluster)) return true;
    return isUnlistedLost && !this.#deps.link.isKnown(cluster) && !this.#isListed(cluster);
  }

  /** Every other member is lost, of two or more: then it is we who are cut off, as far as anybody can tell. */
  get isAlone(): boolean {
    return isAloneAmong(this.#deps.link.peers(), (cluster) => this.isLost(cluster));
  }

  /** As `isLost` and `isAlone`, for one service. */
  healthFor(service: ServiceKey): PeerHealth {
    const isAlone = (): boolean => this.isAlone;
    return {
      isLost: (cluster) => this.isLost(cluster, service),
      // Asked only when somebody is lost.
      get isAlone() {
        return isAlone();
      },
    };
  }

  /** Its rows are not known and may still come: what it has a part in stands as it is meanwhile (I4). */
  isAwaited(cluster: ClusterId): boolean {
    if (this.#deps.link.isKnown(cluster)) return false;
    if (this.#firstSyncedMs === undefined) return true;
    return this.#deps.clock.monotonicMs() < this.#firstSyncedMs + this.#awaitMs;
  }

  /** The listener is told the clusters of which something else holds now. Returns the unsubscribe. */
  subscribe(listener: (clusters: ReadonlySet<ClusterId> | "all") => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get #awaitMs(): number {
    const { staleAfterMs } = this.#options;
    return Number.isFinite(staleAfterMs) ? staleAfterMs : AWAIT_MS;
  }

  #isListed(cluster: ClusterId): boolean {
    return this.#deps.link.peers().has(cluster);
  }

  #judge(touched: ReadonlySet<ClusterId> | "all"): void {
    const { link, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (link.hasSynced()) this.#firstSyncedMs ??= nowMs;
    const status = link.status();
    const before = this.#judgement;
    const after = judgePeers(
      {
        peers: link.peers(),
        firstSyncedMs: this.#firstSyncedMs,
        isHeard: status.kind === "connected" && status.synced,
        staleAfterMs: this.#options.staleAfterMs,
        nowMs,
      },
      before,
    );
    this.#judgement = after;
    this.#count(after);
    this.#arm(nowMs);
    const concerned = new Set([...this.#report(before, after), ...this.#noteKnown(touched)]);
    const isEverythingNew =
      this.#noteAlone() ||
      before.isUnlistedLost !== after.isUnlistedLost ||
      this.#noteWaiting(nowMs);
    if (isEverythingNew) this.#tell("all");
    else if (concerned.size > 0) this.#tell(concerned);
  }

  /** Paths of these peers may have died or healed, or lead elsewhere now. */
  #onPaths(peers: ReadonlySet<ClusterId>): void {
    if (this.#noteAlone()) this.#tell("all");
    else this.#tell(peers);
  }

  /** @returns true when we have become alone, or are so no longer. */
  #noteAlone(): boolean {
    const { isAlone } = this;
    const isNews = isAlone !== this.#wasAlone;
    this.#wasAlone = isAlone;
    return isNews;
  }

  #count({ lost }: Judgement): void {
    const counts = { alive: 0, suspect: 0, gone: 0 };
    for (const [cluster, { kind }] of this.#deps.link.peers()) {
      if (kind === "left" || lost.has(cluster)) counts.gone += 1;
      else counts[kind === "connected" ? "alive" : "suspect"] += 1;
    }
    for (const [liveness, count] of Object.entries(counts)) {
      this.#peersGauge.set(count, { liveness });
    }
  }

  /** @returns the clusters that were lost or have come back. */
  #report(before: Judgement, after: Judgement): readonly ClusterId[] {
    const { log } = this.#deps;
    const lost = [...after.lost].filter((cluster) => !before.lost.has(cluster));
    const back = [...before.lost].filter((cluster) => !after.lost.has(cluster));
    this.#lostGauge.set(after.lost.size);
    for (const cluster of lost) log.warn("cluster is lost", { cluster });
    for (const cluster of back) log.info("cluster is back", { cluster });
    return [...lost, ...back];
  }

  /** @returns those of which it is known only now what they export, or no longer. */
  #noteKnown(touched: ReadonlySet<ClusterId> | "all"): readonly ClusterId[] {
    const { link } = this.#deps;
    const clusters = touched === "all" ? [...link.peers().keys(), ...this.#known] : [...touched];
    const changed = clusters.filter(
      (cluster) => link.isKnown(cluster) !== this.#known.has(cluster),
    );
    for (const cluster of changed) {
      if (!this.#known.delete(cluster)) this.#known.add(cluster);
    }
    return changed;
  }

  /** @returns true once the time is over in which rows of unknown clusters are waited for. */
  #noteWaiting(nowMs: number): boolean {
    const isOver = nowMs >= (this.#firstSyncedMs ?? Number.POSITIVE_INFINITY) + this.#awaitMs;
    const isNews = isOver !== this.#isWaitingOver;
    this.#isWaitingOver = isOver;
    return isNews;
  }

  #tell(clusters: ReadonlySet<ClusterId> | "all"): void {
    for (const listener of this.#listeners) listener(clusters);
  }

  /** One timer for whatever time alone changes: a cluster that becomes lost, one that is awaited no longer. */
  #arm(nowMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const awaitedMs = (this.#firstSyncedMs ?? Number.POSITIVE_INFINITY) + this.#awaitMs;
    const nextMs = Math.min(
      this.#judgement.nextMs ?? Number.POSITIVE_INFINITY,
      awaitedMs > nowMs ? awaitedMs : Number.POSITIVE_INFINITY,
    );
    if (!Number.isFinite(nextMs)) return;
    this.#timer = this.#deps.clock.setTimer(Math.ceil(nextMs - nowMs), () =>
      this.#judge(NO_CLUSTERS),
    );
  }
}

const NO_CLUSTERS: ReadonlySet<ClusterId> = new Set();

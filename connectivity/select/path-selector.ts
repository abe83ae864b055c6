import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { BackendName } from "../../api/network/backend-name.ts";
import { parsePeer } from "../../api/network/parse-network-objects.ts";
import type { PeerSpec, PeerStatus } from "../../api/network/peer.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { AddressedEndpoint, Backend, ReachableSlice } from "../backend.ts";
import type { PathHealth, PathSelection, PathStatuses } from "../path-selection.ts";
import type { PathProber } from "../probe/path-measurement.ts";
import { type Choice, startChoice, stepChoice } from "./choose-path.ts";
import { reported } from "./combine-measurements.ts";
import { localProxies } from "./local-proxies.ts";
import type { PeerStreams } from "./lone-responder.ts";
import { measuredPath } from "./measure-path.ts";
import { nextLookMs } from "./next-look.ts";
import type { Measured, PathFact } from "./path-fact.ts";
import { outlineOf, routeOf } from "./path-news.ts";
import { type PathSettings, PROBED } from "./path-settings.ts";
import { peerStatus } from "./peer-status.ts";
import { servicePin } from "./pins.ts";
import { probeTargets, targetPrefix } from "./probe-targets.ts";
import { ReportBook } from "./report-book.ts";
import { type OwnNetwork, whyUnusable } from "./why-unusable.ts";

export interface PathSelectorDeps {
  /** Those this cluster has. */
  readonly backends: readonly Backend[];
  readonly peers: ObjectView<KubeObject>;
  readonly reports: ObjectView<KubeObject>;
  readonly own: Changing<OwnNetwork>;
  readonly settings: Changing<PathSettings>;
  readonly prober: PathProber;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is known of one peer. */
interface Known {
  readonly spec: PeerSpec;
  choice: Choice;
  facts: readonly PathFact[];
  nextMs: number | undefined;
  /** As they were told last. */
  route: string;
  outline: string;
}

/** Chooses the path to each peer, from what peers say, gateways and proxies report and own probes show. */
export class PathSelector implements PathSelection, PathStatuses {
  readonly #deps: PathSelectorDeps;
  /** BOUNDED: by this cluster's backends. */
  readonly #backends: ReadonlyMap<BackendName, Backend>;
  /** BOUNDED: by the clusterset's members. */
  readonly #known = new Map<ClusterId, Known>();
  readonly #reports: ReportBook;
  /** Paths that probes of this process have seen alive: only there is their silence a proof. BOUNDED: as the paths. */
  readonly #seenAlive = new Set<string>();
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<(peers: ReadonlySet<ClusterId>) => void>();
  /** BOUNDED: as `#listeners`. */
  readonly #statusListeners = new Set<(peers: ReadonlySet<ClusterId>) => void>();
  #streams: PeerStreams | undefined;
  #timer: Timer | undefined;

  constructor(deps: PathSelectorDeps) {
    this.#deps = deps;
    this.#reports = new ReportBook(deps);
    this.#backends = new Map(deps.backends.map((backend) => [backend.name, backend]));
  }

  /** Until the signal aborts. Call when `peers` has synced: what earlier processes chose is in there. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    const { peers, reports, own, settings, prober } = this.#deps;
    const stops = [
      peers.subscribe((event) => {
        if (event.kind === "changed") this.#onPeer(event.after, event.key);
      }),
      reports.subscribe((event) => {
        if (event.kind === "changed") this.#onReport(event.key, event.after);
      }),
      own.subscribe(() => this.#onEverything()),
      settings.subscribe(() => this.#onSettings()),
      prober.subscribe((key) => this.#onProbe(key)),
    ];
    for (const report of reports.values()) this.#reports.take(report.metadata.name, report);
    for (const peer of peers.values()) this.#takePeer(peer);
    this.#onEverything();
    signal.addEventListener(
      "abort",
      () => {
        for (const stop of stops) stop();
        this.#timer?.cancel();
      },
      { once: true },
    );
  }

  /** What the hub says of peers, from when there is a link to it. */
  followStreams(streams: PeerStreams, signal: AbortSignal): void {
    this.#streams = streams;
    const stop = streams.subscribe((peers) => this.#decide(peers));
    signal.addEventListener("abort", stop, { once: true });
  }

  advertise(endpoint: AddressedEndpoint): AddressedEndpoint | undefined {
    for (const backend of this.#backends.values()) {
      const advertised = backend.advertise(endpoint);
      if (advertised !== undefined) return advertised;
    }
    return undefined;
  }

  reach(peer: ClusterId, service: ServiceKey, slice: ReachableSlice): ReachableSlice | undefined {
    const known = this.#known.get(peer);
    // Of a peer that says nothing about its network, as one of an older version, nothing else can be assumed.
    if (known === undefined) return this.#backends.get("underlay")?.reach(peer, service, slice);
    const backend = this.#backendFor(known, service);
    return backend === undefined
      ? undefined
      : this.#backends.get(backend)?.reach(peer, service, slice);
  }

  health(peer: ClusterId, service?: ServiceKey): PathHealth {
    const known = this.#known.get(peer);
    if (known === undefined) return "unknown";
    const backend = this.#backendFor(known, service);
    const fact = known.facts.find((path) => path.backend === backend);
    if (fact === undefined || fact.unusable !== undefined) return "dead";
    return HEALTH[fact.state];
  }

  status(peer: ClusterId): PeerStatus | undefined {
    const known = this.#known.get(peer);
    if (known === undefined) return undefined;
    return peerStatus(known.choice, this.#refreshed(known));
  }

  peers(): Iterable<ClusterId> {
    return this.#known.keys();
  }

  subscribe(listener: (peers: ReadonlySet<ClusterId>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What a peer says about its network. */
  facts(peer: ClusterId): PeerSpec | undefined {
    return this.#known.get(peer)?.spec;
  }

  /** Addresses at which proxies of this cluster take clients, for a peer or at all. */
  proxies(peer?: ClusterId): readonly string[] {
    return localProxies(this.#reports.all(), this.#deps.clock.nowMs(), peer);
  }

  subscribeStatus(listener: (peers: ReadonlySet<ClusterId>) => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  #backendFor(known: Known, service: ServiceKey | undefined): BackendName | undefined {
    const pin =
      service === undefined ? undefined : servicePin(this.#deps.settings.current.pins, service);
    if (pin === undefined) return known.choice.backend;
    return known.facts.some(({ backend, unusable }) => backend === pin && unusable === undefined)
      ? pin
      : undefined;
  }

  #onPeer(after: KubeObject | undefined, key: string): void {
    if (after === undefined) {
      const gone = parseClusterId(key);
      if (gone.ok) this.#forget(gone.value);
      return;
    }
    const cluster = this.#takePeer(after);
    if (cluster === undefined) return;
    this.#setTargets();
    this.#decide([cluster]);
  }

  /** @returns the peer if what it says is new. */
  #takePeer(object: KubeObject): ClusterId | undefined {
    const parsed = parsePeer(object);
    if (!parsed.ok) {
      this.#deps.log.warn("peer cannot be used", { problem: parsed.error });
      return undefined;
    }
    const { spec, status } = parsed.value;
    if (spec.cluster === this.#deps.own.current.cluster) return undefined;
    const known = this.#known.get(spec.cluster);
    // Our own writes of its status come by here too.
    if (known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec))
      return undefined;
    const nowMs = this.#deps.clock.monotonicMs();
    const since = status?.since === undefined ? Number.NaN : Date.parse(status.since);
    const sinceMs = Number.isNaN(since) ? this.#deps.clock.nowMs() : since;
    const choice = known?.choice ?? startChoice(status?.backend, { nowMs, sinceMs });
    const { facts = [], route = "", outline = "" } = known ?? {};
    this.#known.set(spec.cluster, { spec, choice, facts, nextMs: undefined, route, outline });
    return spec.cluster;
  }

  #forget(cluster: ClusterId): void {
    this.#known.delete(cluster);
    for (const { name } of this.#deps.backends) {
      this.#seenAlive.delete(targetPrefix(cluster, name));
    }
    this.#setTargets();
    this.#tellStatus([cluster]);
    this.#tell([cluster]);
  }

  #onReport(key: string, after: KubeObject | undefined): void {
    const peers = this.#reports.take(key, after);
    this.#decide(peers === "all" ? this.#known.keys() : peers);
  }

  #onProbe(key: string): void {
    const peer = parseClusterId(key.slice(0, key.indexOf("/")));
    if (peer.ok) this.#decide([peer.value]);
  }

  /** A pin of services shows in no peer's choice. */
  #onSettings(): void {
    for (const known of this.#known.values()) known.route = "";
    this.#decide(this.#known.keys());
  }

  #onEverything(): void {
    this.#setTargets();
    this.#decide(this.#known.keys());
  }

  #setTargets(): void {
    const { backends, prober } = this.#deps;
    const targets = [...this.#known.values()].flatMap(({ spec }) =>
      backends
        .filter(({ name }) => PROBED.includes(name) && this.#whyUnusable(name, spec) === undefined)
        .flatMap((backend) => probeTargets(spec, backend)),
    );
    prober.setTargets(targets);
  }

  #whyUnusable(name: BackendName, spec: PeerSpec): string | undefined {
    const hasProxy = name === "proxy" && this.proxies().length > 0;
    return whyUnusable(name, { ...this.#deps.own.current, hasProxy }, spec);
  }

  #decide(peers: Iterable<ClusterId>): void {
    const { settings, clock } = this.#deps;
    const moment = { nowMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    const { pins, choice: times } = settings.current;
    const rerouted: ClusterId[] = [];
    const changed: ClusterId[] = [];
    for (const peer of peers) {
      const known = this.#known.get(peer);
      if (known === undefined) continue;
      known.facts = this.#refreshed(known);
      const pin = pins.peers.get(peer);
      const input = { ...moment, paths: known.facts, pin };
      const { choice, nextMs } = stepChoice(times, known.choice, input);
      if (choice.backend !== known.choice.backend) this.#report(peer, known.choice, choice);
      known.choice = choice;
      known.nextMs = nextMs;
      const [route, outline] = [this.#route(known), outlineOf(known.choice, known.facts)];
      if (route !== known.route) rerouted.push(peer);
      if (outline !== known.outline) changed.push(peer);
      Object.assign(known, { route, outline });
    }
    this.#arm(moment);
    // Answers follow the status, in one write: it goes ahead of whatever thousands of services need.
    if (changed.length > 0) this.#tellStatus(changed);
    if (rerouted.length > 0) this.#tell(rerouted);
  }

  /** All facts of all backends as they are now. */
  #refreshed(known: Known): readonly PathFact[] {
    return this.#deps.backends.map(({ name }) => ({
      backend: name,
      unusable: this.#whyUnusable(name, known.spec),
      ...this.#measured(known, name),
    }));
  }

  #measured(known: Pick<Known, "spec" | "facts">, backend: BackendName): Measured {
    const { spec, facts } = known;
    const { prober, clock } = this.#deps;
    const path = targetPrefix(spec.cluster, backend);
    const wallMs = clock.nowMs();
    const responders = PROBED.includes(backend) ? spec.responders : [];
    const { measured, wasAlive } = measuredPath(
      {
        answering: responders.flatMap((responder) => {
          const one = prober.measurement(`${path}${responder}`);
          return one === undefined ? [] : [{ responder, measured: one }];
        }),
        ends: this.#streams?.ended(spec.cluster) ?? [],
        reported: reported(this.#reports.all(), { peer: spec.cluster, backend }, wallMs),
        wasAlive: this.#seenAlive.has(path),
        before: facts.find((fact) => fact.backend === backend),
      },
      wallMs,
    );
    if (wasAlive) this.#seenAlive.add(path);
    return measured;
  }

  #route(known: Known): string {
    const { pins } = this.#deps.settings.current;
    const { cluster, globalPrefixes } = known.spec;
    const proxies = this.#backends.has("proxy") ? this.proxies(cluster) : [];
    return routeOf(known, { pins, globalPrefixes, proxies });
  }

  #report(peer: ClusterId, before: Choice, after: Choice): void {
    const { backend, reason } = after;
    this.#deps.log.info("path chosen", { peer, backend, before: before.backend, reason });
  }

  #tell(peers: Iterable<ClusterId>): void {
    const told = new Set(peers);
    for (const listener of this.#listeners) listener(told);
  }

  #tellStatus(peers: Iterable<ClusterId>): void {
    const told = new Set(peers);
    for (const listener of this.#statusListeners) listener(told);
  }

  /** One timer for what time alone changes: a choice, or a report that is not renewed. */
  #arm(moment: { readonly nowMs: number; readonly wallMs: number }): void {
    this.#timer?.cancel();
    const known = [...this.#known.values()];
    const delayMs = nextLookMs(
      {
        choicesMs: known.flatMap(({ nextMs }) => nextMs ?? []),
        ends: known.flatMap(({ spec }) => this.#streams?.ended(spec.cluster) ?? []),
        reports: this.#reports.all(),
      },
      moment,
    );
    this.#timer =
      delayMs === undefined
        ? undefined
        : this.#deps.clock.setTimer(delayMs, () => this.#decide(this.#known.keys()));
  }
}

const HEALTH: Readonly<Record<PathFact["state"], PathHealth>> = {
  up: "alive",
  down: "dead",
  unknown: "unknown",
};

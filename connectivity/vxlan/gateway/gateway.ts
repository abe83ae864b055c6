import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { HeardReports } from "../../../api/network/heard-reports.ts";
import { ok, type Result } from "../../../api/result.ts";
import { parseSliceObjects } from "../../../api/slices/parse-slice-objects.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { ViewEvent } from "../../../runtime/kube/object-view.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { PrefixMap } from "../../network/map-prefix.ts";
import type { PathMeasurement, PathProber } from "../../probe/path-measurement.ts";
import type { ReachedAt, Reporter } from "../../report/reporter.ts";
import { withSlices } from "../../slices/with-slices.ts";
import { type ApplyMetrics, applyMetrics } from "../apply-metrics.ts";
import type { Dataplane } from "../linux/dataplane.ts";
import type { WatchKernel } from "../linux/kernel-watch.ts";
import { withAudiences } from "../plan/audience-table.ts";
import { DrainingWays } from "../plan/draining-ways.ts";
import { FilterContents, type FilterScope, sliceElements } from "../plan/filter-contents.ts";
import { leavingPlan } from "../plan/leaving-plan.ts";
import type { OwnNetwork, PeerNetwork } from "../plan/networks.ts";
import { NO_SLOTS, type PeerPaths, type Plan, type PlanSlots } from "../plan/plan.ts";
import { planGateway } from "../plan/plan-gateway.ts";
import type { VxlanSettings } from "../plan/settings.ts";
import { ReconcileLoop } from "../reconcile-loop.ts";
import { currentNetwork, currentPeers, currentReports, type GatewayViews } from "../views.ts";
import { ChangedSlices, type SliceWatch } from "./changed-slices.ts";
import { type Detours, DOUBT_MS, detours } from "./detours.ts";
import { gatewayPaths, gatewayProbeTargets, reportedPaths } from "./gateway-paths.ts";
import type { OuterTransport } from "./outer-transport.ts";

export interface GatewayOptions {
  /** Name of the Node it runs on. */
  readonly node: string;
  readonly settings: VxlanSettings;
  /** What it can send to other clusters, bits per second. */
  readonly lineRate: number;
}

export interface GatewayDeps {
  readonly views: GatewayViews;
  readonly prober: PathProber;
  readonly dataplane: Dataplane;
  readonly watchKernel: WatchKernel;
  readonly transport: OuterTransport;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
  /** Told when what a slice says is in the kernel. */
  readonly watch?: SliceWatch | undefined;
}

/** How often the kernel is looked at though nothing is known to have changed. */
const VERIFY_MS = 60_000;
/** How long a gateway that is none any more still carries what comes: nodes and peers have to hear of it first. */
const DRAIN_MS = 10_000;
/** So long after it has heard it lets others carry what its own pods send: its node agent hears at the same time, peers later. */
const HAND_OVER_MS = 200;
/** How often figures of paths are looked at. */
const FIGURES_MS = 1_000;

/**
 * Carries packets between the nodes of its cluster and the gateways of peers, as far as exports allow, and tells the
 * cluster what it measures on the way. Every node may run one: it works where the own network names the node as a
 * gateway, and leaves nothing behind where it does no longer. Ending it changes nothing: the kernel goes on.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #deps: GatewayDeps;
  readonly #loop: ReconcileLoop;
  readonly #metrics: ApplyMetrics;
  readonly #contents = new FilterContents();
  readonly #changed: ChangedSlices;
  readonly #ways = new DrainingWays(this.#contents);
  readonly #heard = new HeardReports();
  #isLookingAgain = false;
  #scope: { readonly text: string; readonly scope: FilterScope } | undefined;
  /** What the last pass went by; undefined while this is no gateway. */
  #known:
    | {
        readonly network: OwnNetwork;
        readonly peers: readonly PeerNetwork[];
        readonly facts: ReachedAt;
        readonly paths: string;
      }
    | undefined;
  /** The last that was to be in force. */
  #plan: Plan | undefined;
  #slots: PlanSlots = NO_SLOTS;
  /** Monotonic; since when another node is gateway and this one's data path is still there. */
  #leavingSinceMs: number | undefined;
  #state: Result<string, string> = { ok: false, error: "not applied yet" };
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: GatewayOptions, deps: GatewayDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#metrics = applyMetrics("gateway", deps.meter);
    this.#changed = new ChangedSlices(deps.watch);
    this.#loop = new ReconcileLoop(VERIFY_MS, deps, (isRegular) => this.#pass(isRegular));
  }

  /** What is right or wrong with the data path now. */
  state(): Result<string, string> {
    return this.#state;
  }

  /** Until the signal aborts; the views must have synced. */
  async run(signal: AbortSignal): Promise<void> {
    const { views, prober, dataplane, watchKernel } = this.#deps;
    this.#signal = signal;
    this.#slots = await dataplane.slots();
    const wake = (): void => this.#loop.wake();
    const subscriptions = [
      views.networks.subscribe(wake),
      views.peers.subscribe(wake),
      views.nodes.subscribe(wake),
      views.slices.subscribe((event) => this.#takeSlice(event)),
      views.scopes.subscribe(wake),
      views.pods.subscribe(wake),
      views.reports.subscribe(wake),
      prober.subscribe(wake),
    ];
    await Promise.all([
      this.#loop.run(signal),
      this.#followFigures(signal),
      watchKernel(() => this.#loop.look(), signal),
    ]);
    for (const unsubscribe of subscriptions) unsubscribe();
  }

  /** Round trips, sizes and who is fresh change without a change of state: they are told, and put in force. */
  async #followFigures(signal: AbortSignal): Promise<void> {
    const { clock, dataplane, reporter, transport } = this.#deps;
    while (!signal.aborted) {
      await sleep(clock, FIGURES_MS, signal);
      const known = this.#known;
      if (known === undefined) continue;
      const { network, peers, facts } = known;
      reporter.say({ facts, paths: reportedPaths(peers, this.#measure) });
      const isNew = summary(this.#paths(network, peers)) !== known.paths;
      const isStale = await dataplane.hasStaleShortcut();
      if (isNew || isStale || !transport.isSettled()) this.#loop.wake();
    }
  }

  #paths(network: OwnNetwork, peers: readonly PeerNetwork[]): readonly PeerPaths[] {
    const { peers: left, isInDoubt } = this.#detours(network, peers);
    if (isInDoubt) void this.#lookAgainSoon();
    return gatewayPaths(network, peers, this.#measure, this.#deps.clock.nowMs(), left);
  }

  #detours(network: OwnNetwork, peers: readonly PeerNetwork[]): Detours {
    const { views, clock } = this.#deps;
    const nowMs = clock.nowMs();
    // The node agent beside it tells of objects that cannot be read.
    const reports = this.#heard.takeAll(
      currentReports(views.reports, () => undefined),
      nowMs,
    );
    const { node } = this.#options;
    return detours({ network, node, peers, reports, measure: this.#measure, nowMs });
  }

  async #lookAgainSoon(): Promise<void> {
    if (this.#isLookingAgain) return;
    this.#isLookingAgain = true;
    await sleep(this.#deps.clock, DOUBT_MS, this.#signal);
    this.#isLookingAgain = false;
    this.#loop.wake();
  }

  readonly #measure = (gateway: string): PathMeasurement | undefined =>
    this.#deps.prober.measurement(gateway);

  async #pass(isRegular: boolean): Promise<Result<void, string>> {
    const startedMs = this.#deps.clock.monotonicMs();
    const done = await this.#applyCurrent(isRegular);
    this.#metrics.observe(done, this.#deps.clock.monotonicMs() - startedMs);
    if (!done.ok) this.#state = done;
    return done;
  }

  async #applyCurrent(isRegular: boolean): Promise<Result<void, string>> {
    const { views, prober, dataplane, transport, reporter, log } = this.#deps;
    const { node, settings } = this.#options;
    const onProblem = (problem: string): void => log.error("object left out", { problem });
    const network = currentNetwork(views, onProblem)?.network;
    if (network === undefined) {
      this.#state = { ok: false, error: 'no MemberNetwork "local" yet' };
      return ok(undefined);
    }
    const peers = currentPeers(views.peers, onProblem);
    const prepared = await transport.prepare(network, peers, this.#signal);
    if (!prepared.ok) return prepared;
    const { outer, facts } = prepared.value;
    const own = network.gateways.find((gateway) => gateway.node === node);
    prober.setTargets(gatewayProbeTargets(own?.tunnelAddresses ?? [], peers, settings.probePort));
    // Before anything else: who is not known cannot be chosen.
    reporter.say({ facts, paths: own === undefined ? [] : reportedPaths(peers, this.#measure) });
    if (own === undefined) return this.#stepDown();
    this.#leavingSinceMs = undefined;
    if (isRegular) {
      const verified = await dataplane.verify(this.#contents, this.#signal);
      if (!verified.ok) return verified;
      if (verified.value) log.warn("somebody has changed the data path; it is mended");
    }
    this.#rescope(network, peers);
    this.#ways.expire(this.#deps.clock.monotonicMs());
    const paths = this.#paths(network, peers);
    this.#known = { network, peers, facts, paths: summary(paths) };
    const plan = planGateway({ network, node, peers: paths, outer, slots: this.#slots, settings });
    if (plan === undefined) {
      this.#state = { ok: false, error: `gateway ${node} has no address in the tunnel yet` };
      return ok(undefined);
    }
    const narrowed = this.#narrowed(plan);
    if (!narrowed.ok) return narrowed;
    this.#plan = narrowed.value;
    this.#slots = plan.slots;
    const applied = await this.#changed.during(() =>
      dataplane.apply(narrowed.value, this.#contents, this.#signal),
    );
    if (applied.ok) this.#state = ok(`gateway to ${peers.length} peers`);
    return applied;
  }

  /** Another node is gateway now, or none of ours yet. */
  async #stepDown(): Promise<Result<void, string>> {
    const { clock, dataplane, transport } = this.#deps;
    this.#known = undefined;
    this.#changed.drop();
    if (dataplane.isClean()) {
      this.#plan = undefined;
      this.#state = ok("standing by: this node is not chosen as a gateway");
      return ok(undefined);
    }
    const nowMs = clock.monotonicMs();
    if (this.#leavingSinceMs === undefined) {
      this.#leavingSinceMs = nowMs;
      for (const delayMs of [HAND_OVER_MS, DRAIN_MS]) {
        void sleep(clock, delayMs, this.#signal).then(() => this.#loop.wake());
      }
    }
    const leavingMs = nowMs - this.#leavingSinceMs;
    if (leavingMs < DRAIN_MS) {
      this.#state = ok("leaving: carries what still comes to this node");
      // One that was started after the change knows no plan of before: what is in the kernel stays.
      if (leavingMs < HAND_OVER_MS || this.#plan === undefined) return ok(undefined);
      const plan = leavingPlan(this.#plan, this.#options.settings);
      return dataplane.apply(plan, this.#contents, this.#signal);
    }
    const removed = await dataplane.cleanup(this.#signal);
    return removed.ok ? transport.cleanup(this.#signal) : removed;
  }

  /** Nothing is opened, and nothing that is there changed, before it is known what slices and exports for chosen clusters close. */
  #narrowed(plan: Plan): Result<Plan, string> {
    const { scopes, pods, slices: endpoints } = this.#deps.views;
    const slices = parseSliceObjects(scopes.values());
    const scope = this.#scope?.scope;
    if (!slices.ok || scope === undefined) return slices.ok ? ok(plan) : slices;
    if (scopes.size > 0 && !pods.hasSynced()) {
      return { ok: false, error: "waiting for pods to be listed: there are slices" };
    }
    const { lineRate } = this.#options;
    return ok(
      withSlices(withAudiences(plan, { endpoints: endpoints.values(), scope }), {
        slices: slices.value,
        pods: pods.values(),
        endpoints: endpoints.values(),
        scope,
        lineRate,
      }),
    );
  }

  #takeSlice(event: ViewEvent<EndpointSlice>): void {
    if (event.kind === "changed" && this.#scope !== undefined) {
      const { key, after } = event;
      if (after !== undefined) this.#changed.add(key, after);
      const elements = after === undefined ? [] : sliceElements(after, this.#scope.scope);
      this.#ways.set(key, elements, this.#deps.clock.monotonicMs());
    }
    this.#loop.wake();
  }

  /** Takes all slices in anew when the addresses that count have changed, and at first. */
  #rescope(network: OwnNetwork, peers: readonly PeerNetwork[]): void {
    const text = JSON.stringify([
      network.cluster,
      network.prefixes,
      network.maps.map(mapText),
      peers.map(({ cluster, prefixes, maps }) => [cluster, prefixes, maps.map(mapText)]),
    ]);
    if (this.#scope?.text === text) return;
    const scope: FilterScope = {
      own: network.cluster,
      maps: network.maps,
      peers: new Map(peers.map(({ cluster, prefixes }) => [cluster, prefixes])),
      peerMaps: new Map(peers.map(({ cluster, maps }) => [cluster, maps])),
    };
    this.#scope = { text, scope };
    const { slices } = this.#deps.views;
    for (const key of [...this.#contents.keys()]) {
      if (slices.get(key) === undefined) this.#contents.set(key, []);
    }
    for (const key of slices.keys()) {
      const slice = slices.get(key);
      if (slice !== undefined) this.#contents.set(key, sliceElements(slice, scope));
    }
  }
}

function mapText({ from, to }: PrefixMap): string {
  return `${from.first}/${from.prefix} ${to.first}`;
}

function summary(paths: readonly PeerPaths[]): string {
  return JSON.stringify(paths.map(({ cluster, mtu, through }) => [cluster, mtu, through]));
}

import { HeardReports } from "../../../api/network/heard-reports.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { PathProber } from "../../probe/path-measurement.ts";
import { type ApplyMetrics, applyMetrics } from "../apply-metrics.ts";
import { ADMIT_MS } from "../choose-gateways.ts";
import type { Dataplane } from "../linux/dataplane.ts";
import { ForeignFirewall } from "../linux/foreign-firewall.ts";
import type { WatchKernel } from "../linux/kernel-watch.ts";
import { outerMtu } from "../linux/outer-mtu.ts";
import type { RunCommand } from "../linux/run-command.ts";
import { NO_SLOTS, type PlanSlots } from "../plan/plan.ts";
import { planNode } from "../plan/plan-node.ts";
import { tunnelDevices, type VxlanSettings } from "../plan/settings.ts";
import { ReconcileLoop } from "../reconcile-loop.ts";
import { currentNetwork, currentPeers, currentReports, type NodeAgentViews } from "../views.ts";
import { nodePaths, nodeProbeTargets } from "./node-paths.ts";

export interface NodeAgentOptions {
  /** Name of the Node it runs on. */
  readonly node: string;
  readonly settings: VxlanSettings;
}

export interface NodeAgentDeps {
  readonly views: NodeAgentViews;
  readonly prober: PathProber;
  readonly dataplane: Dataplane;
  readonly watchKernel: WatchKernel;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** How often the kernel is looked at though nothing is known to have changed. */
const VERIFY_MS = 30_000;

/**
 * Sends a node's traffic for peers to the gateways, and takes from them what comes back. What it knows of the cluster comes from
 * its views, what it knows of gateways from its own probes. Ending it changes nothing: the kernel goes on.
 */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #deps: NodeAgentDeps;
  readonly #loop: ReconcileLoop;
  readonly #metrics: ApplyMetrics;
  readonly #heard = new HeardReports();
  readonly #firewall: ForeignFirewall;
  #slots: PlanSlots = NO_SLOTS;
  #state: Result<string, string> = { ok: false, error: "not applied yet" };
  #outerMtu: number | undefined;
  #isLookingAgain = false;

  constructor(options: NodeAgentOptions, deps: NodeAgentDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#firewall = new ForeignFirewall(deps);
    this.#metrics = applyMetrics("node_agent", deps.meter);
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
      views.reports.subscribe(wake),
      prober.subscribe(wake),
    ];
    await Promise.all([this.#loop.run(signal), watchKernel(() => this.#loop.look(), signal)]);
    for (const unsubscribe of subscriptions) unsubscribe();
  }

  #signal: AbortSignal = AbortSignal.abort();

  async #pass(isRegular: boolean): Promise<Result<void, string>> {
    const startedMs = this.#deps.clock.monotonicMs();
    const done = await this.#applyCurrent(isRegular);
    this.#metrics.observe(done, this.#deps.clock.monotonicMs() - startedMs);
    if (!done.ok) this.#state = done;
    return done;
  }

  async #applyCurrent(isRegular: boolean): Promise<Result<void, string>> {
    const { views, prober, dataplane, clock, log, run } = this.#deps;
    const { node, settings } = this.#options;
    const onProblem = (problem: string): void => log.error("object left out", { problem });
    const current = currentNetwork(views, onProblem);
    if (current === undefined) return this.#waitFor('no MemberNetwork "local" yet');
    const { network, spec } = current;
    prober.setTargets(nodeProbeTargets(network, node, settings.probePort));
    if (isRegular) {
      const verified = await dataplane.verify(undefined, this.#signal);
      if (!verified.ok) return verified;
      if (verified.value) log.warn("somebody has changed the data path; it is mended");
    }
    if (isRegular || this.#outerMtu === undefined) {
      const own = network.nodes.find(({ name }) => name === node)?.internalIps ?? [];
      const measured = await outerMtu(own, run, this.#signal);
      if (!measured.ok) return measured;
      this.#outerMtu = measured.value;
      await this.#firewall.look(tunnelDevices(settings), this.#signal);
    }
    const peers = nodePaths({
      network,
      spec,
      peers: currentPeers(views.peers, onProblem),
      reports: this.#heard.takeAll(currentReports(views.reports, onProblem), clock.nowMs()),
      measurement: (gateway) => prober.measurement(gateway),
      nowMs: clock.nowMs(),
    });
    if (peers.some(({ through, back }) => (back ?? through).length > through.length)) {
      void this.#lookAgainSoon();
    }
    const plan = planNode({
      network,
      node,
      peers,
      outerMtu: this.#outerMtu,
      slots: this.#slots,
      settings,
    });
    if (plan === undefined) return this.#waitFor(`node ${node} has no global address yet`);
    this.#slots = plan.slots;
    const applied = await dataplane.apply(plan, undefined, this.#signal);
    if (applied.ok) this.#state = ok(`applied for ${peers.length} peers`);
    return applied;
  }

  /** A gateway that came back is admitted without anybody being told. */
  async #lookAgainSoon(): Promise<void> {
    if (this.#isLookingAgain) return;
    this.#isLookingAgain = true;
    await sleep(this.#deps.clock, ADMIT_MS, this.#signal);
    this.#isLookingAgain = false;
    this.#loop.wake();
  }

  /** What is in the kernel stays. */
  #waitFor(reason: string): Result<void, string> {
    this.#state = { ok: false, error: reason };
    return ok(undefined);
  }
}

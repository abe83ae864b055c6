import type { ClusterId } from "../api/cluster-id.ts";
import type { EndpointSlice } from "../api/kube/endpoint-slice.ts";
import type { Namespace } from "../api/kube/namespace.ts";
import type { KubeObject } from "../api/kube/object.ts";
import {
  LABEL_KUBE_SERVICE_NAME,
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
} from "../api/mcs/labels.ts";
import { type ServiceKey, serviceKey } from "../api/service-key.ts";
import type { BrokerLink, LinkEvent } from "../broker/client/broker-link.ts";
import type { Propagation } from "../broker/client/propagation.ts";
import type { Clock, Timer } from "../runtime/clock/clock.ts";
import type { Changing } from "../runtime/config/changing.ts";
import type { KubeClient } from "../runtime/kube/kube-client.ts";
import type { KubeError } from "../runtime/kube/kube-error.ts";
import { objectKey, type ViewEvent } from "../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Gauge, Meter } from "../runtime/metrics/meter.ts";
import type { Random } from "../runtime/random/random.ts";
import { mayBeOurName } from "./import/derived-service/derived-service-name.ts";
import { planSweeps } from "./import/slices/plan-sweeps.ts";
import { SliceSweeper } from "./import/slices/slice-sweeper.ts";
import type { PeerWatch } from "./liveness/peer-watch.ts";
import {
  deniedNamespaces,
  isImported,
  isSameToPolicy,
  type MemberPolicy,
} from "./policy/member-policy.ts";
import { isOwn } from "./reconcile/is-own.ts";
import { namedExporters } from "./reconcile/mentioned-clusters.ts";
import type { ServiceReconciler } from "./reconcile/service-reconciler.ts";
import type { Views } from "./reconcile/world.ts";

export interface ServiceControllerDeps {
  readonly client: Pick<KubeClient, "deleteCollection">;
  readonly reconciler: ServiceReconciler;
  readonly views: Views;
  readonly link: BrokerLink;
  readonly peers: Pick<PeerWatch, "subscribe" | "isLost" | "healthFor" | "isAwaited">;
  readonly policy: Changing<MemberPolicy>;
  readonly propagation?: Propagation | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

type ChangedEvent = Extract<ViewEvent<KubeObject>, { readonly kind: "changed" }>;

/** A conflict is the ordinary sign of a view that lags: the event that cures it is already on its way. */
const BACKOFF = { firstMs: 20, maxMs: 30_000 };
/**
 * Head start of the report that a path is dead (`paths/`), by which DNS answers go ahead of slices: thousands of writes after it
 * keep it from nobody.
 */
const REPORT_FIRST_MS = 50;
/** Namespaces named in one log line. */
const LOGGED_MAX = 20;

/**
 * Turns every change, of an object or a row, into "look at this service again". It starts working only when all
 * views have synced, so that nothing is taken for absent that was merely not seen yet (I6).
 */
export class ServiceController {
  readonly #deps: ServiceControllerDeps;
  readonly #queue: WorkQueue;
  readonly #sweeper: SliceSweeper;
  readonly #denied: Gauge;
  /** Lost, and their slices stand yet. BOUNDED: by the clusterset's members. */
  readonly #lost = new Set<ClusterId>();
  #lostTimer: Timer | undefined;
  /** What was said last about the namespaces that policy keeps out. */
  #deniedText = "";
  /** BOUNDED: by its subscriptions, a handful. */
  readonly #unsubscribe: (() => void)[] = [];

  constructor(deps: ServiceControllerDeps) {
    this.#deps = deps;
    this.#denied = deps.meter.gauge({
      name: "isthmus_controllers_denied_namespaces",
      help: "Namespaces of this cluster that its policy keeps from being exported from or imported into.",
      labels: ["direction"],
    });
    this.#queue = new WorkQueue(
      { name: "services", concurrency: 8, backoff: BACKOFF },
      (key, signal) => this.#run(key as ServiceKey, signal),
      deps,
    );
    this.#sweeper = new SliceSweeper({
      client: deps.client,
      isLost: (cluster, service) => deps.peers.isLost(cluster, service),
      onLeft: (services) => {
        for (const key of services) this.#queue.add(key);
      },
      log: deps.log,
    });
  }

  /** Call when all views have synced. */
  start(signal: AbortSignal): void {
    const { views, link, peers } = this.#deps;
    this.#publishEverything();
    this.#unsubscribe.push(
      views.exports.subscribe((event) => this.#onKeyed(event)),
      views.imports.subscribe((event) => this.#onKeyed(event)),
      views.services.subscribe((event) => this.#onService(event)),
      views.slices.subscribe((event) => this.#onSlice(event)),
      views.namespaces.subscribe((event) => this.#onNamespace(event)),
      link.subscribe((event) => this.#onLink(event)),
      peers.subscribe((clusters) => this.#onPeers(clusters)),
      this.#deps.policy.subscribe(() => this.#onPolicy()),
    );
    this.#noteDenied();
    this.lookAgain();
    this.#queue.start(signal);
    signal.addEventListener("abort", () => this.#stop(), { once: true });
  }

  /** Resolves when what was under way at the stop is over. */
  async stopped(): Promise<void> {
    await Promise.all([this.#queue.stopped(), this.#sweeper.stopped()]);
  }

  /** Nothing to do at this moment. */
  get idle(): boolean {
    return this.#queue.idle && this.#sweeper.idle && this.#lostTimer === undefined;
  }

  #stop(): void {
    this.#lostTimer?.cancel();
    this.#lostTimer = undefined;
    this.#sweeper.stop();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  /** All own rows are handed over in one go, so that the broker can tell what is gone (BrokerLink.markOwnComplete). */
  #publishEverything(): void {
    const { views, link, reconciler } = this.#deps;
    link.setNamespaces(this.#importedNamespaces());
    for (const key of views.exports.keys()) reconciler.publish(key as ServiceKey);
    link.markOwnComplete();
  }

  async #run(key: ServiceKey, signal: AbortSignal): Promise<JobOutcome> {
    const passing = this.#deps.propagation?.begin(key);
    const result = await this.#deps.reconciler.reconcile(key, signal, passing?.write);
    passing?.finish(result.ok);
    return result.ok ? { kind: "done" } : outcomeOf(result.error);
  }

  #onKeyed(event: ViewEvent<KubeObject>): void {
    if (event.kind === "changed") this.#queue.add(event.key);
  }

  /** A Service matters under its own name, and a derived one to the import that owns it. */
  #onService(event: ViewEvent<KubeObject>): void {
    if (event.kind !== "changed") return;
    this.#queue.add(event.key);
    for (const object of [event.before, event.after]) {
      const owner = object?.metadata.ownerReferences?.find(({ kind }) => kind === "ServiceImport");
      if (owner !== undefined)
        this.#queue.add(serviceKey(object?.metadata.namespace ?? "", owner.name));
    }
    this.#onFreed(event);
  }

  #onSlice(event: ViewEvent<EndpointSlice>): void {
    if (event.kind !== "changed") return;
    for (const slice of [event.before, event.after]) {
      const labels = slice?.metadata.labels ?? {};
      // Ours also name the derived Service, which nobody exports: only the import is concerned.
      const name = labels[LABEL_SERVICE_NAME] ?? labels[LABEL_KUBE_SERVICE_NAME];
      if (slice === undefined || name === undefined) continue;
      this.#queue.add(serviceKey(slice.metadata.namespace ?? "", name));
    }
    this.#onFreed(event);
  }

  /** Somebody's object is gone whose name may be one that an import waits for. */
  #onFreed({ before, after }: ChangedEvent): void {
    if (before === undefined || after !== undefined || isOwn(before)) return;
    if (!mayBeOurName(before.metadata.name)) return;
    for (const { metadata, status } of this.#deps.views.imports.values()) {
      if (metadata.namespace !== before.metadata.namespace) continue;
      const isReady = status?.conditions?.some(
        ({ type, status: is }) => type === "Ready" && is === "True",
      );
      if (isReady !== true) this.#queue.add(serviceKey(metadata.namespace ?? "", metadata.name));
    }
  }

  /** Namespaces that appear get their imports, and are asked for at the broker (IMP-03); labels may decide too. */
  #onNamespace(event: ViewEvent<Namespace>): void {
    const policy = this.#deps.policy.current;
    if (event.kind !== "changed" || isSameToPolicy(policy, event.before, event.after)) return;
    this.#shareNamespaces();
    for (const key of this.#everyService()) {
      if (namespaceOf(key) === event.key) this.#queue.add(key);
    }
  }

  #onLink(event: LinkEvent): void {
    switch (event.kind) {
      case "service-changed":
        // Rows that come with the first sync are no news to anybody: a later change goes before all of them.
        if (this.#deps.link.hasSynced(namespaceOf(event.service))) this.#queue.add(event.service);
        else this.#queue.addInTurn(event.service);
        break;
      case "synced":
        // What was left standing for want of knowledge is settled now.
        for (const key of this.#everyService()) {
          if (event.namespaces.has(namespaceOf(key))) this.#queue.addInTurn(key);
        }
        break;
      case "connection-changed":
        this.#deps.log.info("broker connection changed", { ...this.#deps.link.status() });
        // Exports say who rejects them (EXP-28), and wait no longer for what a lost broker would have told (I7).
        for (const key of this.#deps.views.exports.keys()) this.#queue.addInTurn(key);
        break;
      case "networks-changed":
      case "slices-changed":
      case "peers-changed":
        break;
    }
  }

  #onPeers(clusters: ReadonlySet<ClusterId> | "all"): void {
    if (clusters === "all") {
      this.lookAgain();
      return;
    }
    // Dead endpoints are news. That clusters are known now, all of them at a start, is not.
    const { clock, peers } = this.#deps;
    const known = new Set([...clusters].filter((cluster) => !peers.isLost(cluster)));
    if (known.size > 0) this.#eachOf(known, (key) => this.#queue.addInTurn(key));
    if (known.size === clusters.size) return;
    for (const cluster of clusters) if (!known.has(cluster)) this.#lost.add(cluster);
    this.#lostTimer ??= clock.setTimer(REPORT_FIRST_MS, () => this.#withdraw());
  }

  /** Slices of lost clusters go, as many at once as can; who is back meanwhile was looked at then. */
  #withdraw(): void {
    const { views, peers } = this.#deps;
    const lost = new Set([...this.#lost].filter((cluster) => peers.isLost(cluster)));
    this.#lost.clear();
    this.#lostTimer = undefined;
    const sweeps = planSweeps(views.slices.values(), lost, {
      healthFor: (service) => peers.healthFor(service),
      mayChange: (service, sources) => this.#isSettled(service, sources),
    });
    this.#sweeper.sweep(sweeps);
    // Deletions come back as events of their services.
    const swept: ReadonlySet<string> = new Set(sweeps.flatMap(({ services }) => services));
    this.#eachOf(lost, (key) => {
      if (!swept.has(key)) this.#queue.add(key);
    });
  }

  /** Its import is ours, and nothing is awaited of anybody who has a part in it: a pass would change it too. */
  #isSettled(service: ServiceKey, sources: Iterable<ClusterId>): boolean {
    const { views, link, peers } = this.#deps;
    const serviceImport = views.imports.get(service);
    if (serviceImport === undefined || !isOwn(serviceImport)) return false;
    const parts = [...sources, ...namedExporters(serviceImport)];
    return link.hasSynced(namespaceOf(service)) && !parts.some((one) => peers.isAwaited(one));
  }

  /** Whatever these clusters have a part in: as their rows say, and as our objects do. */
  #eachOf(clusters: ReadonlySet<ClusterId>, add: (key: string) => void): void {
    const { views, link } = this.#deps;
    for (const key of link.foreignServices()) {
      if (link.foreignRows(key).some(({ cluster }) => clusters.has(cluster))) add(key);
    }
    const names: ReadonlySet<string> = clusters;
    for (const slice of views.slices.values()) {
      const { [LABEL_SOURCE_CLUSTER]: cluster = "", [LABEL_SERVICE_NAME]: name } =
        slice.metadata.labels ?? {};
      if (name === undefined || !names.has(cluster)) continue;
      add(serviceKey(slice.metadata.namespace ?? "", name));
    }
    for (const { metadata, status } of views.imports.values()) {
      if (status?.clusters?.some(({ cluster }) => names.has(cluster)) !== true) continue;
      add(serviceKey(metadata.namespace ?? "", metadata.name));
    }
  }

  lookAgain(): void {
    for (const key of this.#everyService()) this.#queue.addInTurn(key);
  }

  /** Every service that anything here or elsewhere speaks of; orphaned slices and derived Services included (CLN-12). */
  #everyService(): ReadonlySet<string> {
    const { views, link } = this.#deps;
    const keys = new Set<string>([
      ...views.exports.keys(),
      ...views.imports.keys(),
      ...link.foreignServices(),
    ]);
    for (const slice of views.slices.values()) {
      const name = slice.metadata.labels?.[LABEL_SERVICE_NAME];
      if (name !== undefined && slice.metadata.labels?.[LABEL_MANAGED_BY] !== undefined) {
        keys.add(serviceKey(slice.metadata.namespace ?? "", name));
      }
    }
    for (const service of views.services.values()) {
      const owner = service.metadata.ownerReferences?.find(({ kind }) => kind === "ServiceImport");
      if (owner !== undefined) keys.add(serviceKey(service.metadata.namespace ?? "", owner.name));
    }
    return keys;
  }

  #importedNamespaces(): ReadonlySet<string> {
    const { views, policy } = this.#deps;
    const imported = [...views.namespaces.values()].filter((namespace) =>
      isImported(policy.current, namespace),
    );
    return new Set(imported.map(objectKey));
  }

  #shareNamespaces(): void {
    this.#deps.link.setNamespaces(this.#importedNamespaces());
    this.#noteDenied();
  }

  #onPolicy(): void {
    this.#deps.log.info("namespace policy changed");
    this.#shareNamespaces();
    this.lookAgain();
  }

  #noteDenied(): void {
    const { views, policy, log } = this.#deps;
    const denied = deniedNamespaces(policy.current, views.namespaces.values());
    const text = JSON.stringify(denied);
    if (text === this.#deniedText) return;
    this.#deniedText = text;
    for (const direction of ["export", "import"] as const) {
      this.#denied.set(denied[direction].length, { direction });
    }
    log.info("namespaces kept out by policy", {
      exports: denied.export.slice(0, LOGGED_MAX),
      imports: denied.import.slice(0, LOGGED_MAX),
    });
  }
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function outcomeOf(error: KubeError): JobOutcome {
  // IMP-07: the end of the namespace brings the next event; an abort is our own stop.
  if (error.kind === "namespace-terminating" || error.kind === "aborted") return { kind: "done" };
  return {
    kind: "failed",
    error,
    isOrdinary: error.kind === "conflict",
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

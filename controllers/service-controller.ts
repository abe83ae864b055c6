import type { ClusterId } from "../api/cluster-id.ts";
import type { EndpointSlice } from "../api/kube/endpoint-slice.ts";
import type { Namespace } from "../api/kube/namespace.ts";
import type { KubeObject } from "../api/kube/object.ts";
import type { Service } from "../api/kube/service.ts";
import type { ServiceKey } from "../api/service-key.ts";
import type { BrokerLink, LinkEvent } from "../broker/client/broker-link.ts";
import type { Propagation } from "../broker/client/propagation.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import type { Changing } from "../runtime/config/changing.ts";
import type { KubeClient } from "../runtime/kube/kube-client.ts";
import type { KubeError } from "../runtime/kube/kube-error.ts";
import { objectKey, type ViewEvent } from "../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Meter } from "../runtime/metrics/meter.ts";
import type { Random } from "../runtime/random/random.ts";
import { LostClusters } from "./import/slices/lost-clusters.ts";
import type { PeerWatch } from "./liveness/peer-watch.ts";
import { DeniedTeller } from "./policy/denied-teller.ts";
import { isImported, isSameToPolicy, type MemberPolicy } from "./policy/member-policy.ts";
import {
  everyService,
  servicesFreedBy,
  servicesOf,
  servicesOfService,
  servicesOfSlice,
} from "./reconcile/concerned-services.ts";
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
 * Turns every change, of an object or a row, into "look at this service again". It starts working only when all
 * views have synced, so that nothing is taken for absent that was merely not seen yet (I6).
 */
export class ServiceController {
  readonly #deps: ServiceControllerDeps;
  readonly #queue: WorkQueue;
  readonly #lost: LostClusters;
  readonly #denied: DeniedTeller;
  /** BOUNDED: by its subscriptions, a handful. */
  readonly #unsubscribe: (() => void)[] = [];

  constructor(deps: ServiceControllerDeps) {
    this.#deps = deps;
    this.#denied = new DeniedTeller(deps);
    this.#queue = new WorkQueue(
      { name: "services", concurrency: 8, backoff: BACKOFF },
      (key, signal) => this.#run(key as ServiceKey, signal),
      deps,
    );
    this.#lost = new LostClusters({ ...deps, onLook: (key) => this.#queue.add(key) });
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
    await Promise.all([this.#queue.stopped(), this.#lost.stopped()]);
  }

  /** Nothing to do at this moment. */
  get idle(): boolean {
    return this.#queue.idle && this.#lost.idle;
  }

  #stop(): void {
    this.#lost.stop();
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

  #onService(event: ViewEvent<Service>): void {
    if (event.kind !== "changed") return;
    this.#addAll([...servicesOfService(event), ...this.#freedBy(event)]);
  }

  #onSlice(event: ViewEvent<EndpointSlice>): void {
    if (event.kind !== "changed") return;
    this.#addAll([...servicesOfSlice(event), ...this.#freedBy(event)]);
  }

  #freedBy(event: ChangedEvent): readonly string[] {
    return servicesFreedBy(event, this.#deps.views.imports.values());
  }

  #addAll(keys: Iterable<string>): void {
    for (const key of keys) this.#queue.add(key);
  }

  /** Namespaces that appear get their imports, and are asked for at the broker (IMP-03); labels may decide too. */
  #onNamespace(event: ViewEvent<Namespace>): void {
    const policy = this.#deps.policy.current;
    if (event.kind !== "changed" || isSameToPolicy(policy, event.before, event.after)) return;
    this.#shareNamespaces();
    for (const key of everyService(this.#deps)) {
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
        for (const key of everyService(this.#deps)) {
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
    const isLost = (cluster: ClusterId): boolean => this.#deps.peers.isLost(cluster);
    const lost = [...clusters].filter(isLost);
    const known = new Set([...clusters].filter((cluster) => !isLost(cluster)));
    if (known.size > 0) {
      for (const key of servicesOf(known, this.#deps)) this.#queue.addInTurn(key);
    }
    if (lost.length > 0) this.#lost.add(lost);
  }

  lookAgain(): void {
    for (const key of everyService(this.#deps)) this.#queue.addInTurn(key);
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
    const { views, policy } = this.#deps;
    this.#denied.note(policy.current, views.namespaces.values());
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

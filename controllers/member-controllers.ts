import type { ClusterId } from "../api/cluster-id.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../api/kube/namespace.ts";
import type { KubeObject } from "../api/kube/object.ts";
import { type IpFamily, SERVICES, type Service } from "../api/kube/service.ts";
import { DEFAULT_STALE_AFTER_MS } from "../api/liveness.ts";
import { parseServiceExport } from "../api/mcs/parse-service-export.ts";
import { parseServiceImport } from "../api/mcs/parse-service-import.ts";
import { type McsVersion, type ServiceExport, serviceExports } from "../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../api/mcs/service-import.ts";
import type { BrokerLink } from "../broker/client/broker-link.ts";
import type { Propagation } from "../broker/client/propagation.ts";
import type { PathSelection, PathStatuses } from "../connectivity/path-selection.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import type { Changing } from "../runtime/config/changing.ts";
import type { KubeClient } from "../runtime/kube/kube-client.ts";
import type { ObjectView } from "../runtime/kube/object-view.ts";
import { parseWith } from "../runtime/kube/reflector/parse-with.ts";
import { Reflector } from "../runtime/kube/reflector/reflector.ts";
import { WriteThroughClient } from "../runtime/kube/reflector/write-through-client.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Meter } from "../runtime/metrics/meter.ts";
import type { Random } from "../runtime/random/random.ts";
import { AutoExporter } from "./auto-export/auto-exporter.ts";
import { EventRecorder } from "./events/event-recorder.ts";
import { PeerLeases } from "./liveness/peer-leases.ts";
import { PeerWatch } from "./liveness/peer-watch.ts";
import { PeerStatusWriter } from "./paths/peer-status-writer.ts";
import type { MemberPolicy } from "./policy/member-policy.ts";
import { ServiceReconciler } from "./reconcile/service-reconciler.ts";
import { slimNamespace, slimService, slimSlice } from "./reconcile/slim-views.ts";
import { SLICE_INDEXES } from "./reconcile/world.ts";
import { ServiceController } from "./service-controller.ts";

export interface MemberControllersOptions {
  readonly cluster: ClusterId;
  readonly mcsVersion: McsVersion;
  readonly localFamilies: readonly IpFamily[];
  /** See PeerWatchOptions. @default DEFAULT_STALE_AFTER_MS */
  readonly staleAfterMs?: number;
  /** Namespace of the Leases of source clusters (CLN-06). @default none are kept */
  readonly leaseNamespace?: string;
}

export interface MemberControllersDeps {
  readonly client: KubeClient;
  readonly link: BrokerLink;
  readonly paths: PathSelection;
  /** What people are told about paths, and the Peers it is told in; absent: there is nothing to tell. */
  readonly told?: {
    readonly selector: PathStatuses;
    readonly peers: ObjectView<KubeObject>;
  };
  readonly policy: Changing<MemberPolicy>;
  /** Told when a change of another cluster is in objects here. */
  readonly propagation?: Propagation | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** A reflector, whatever it reflects. */
export type RunningReflector = Pick<Reflector<Namespace>, "start" | "synced" | "status">;

/** Everything that keeps one member's objects equal to what the clusterset agrees on. */
export class MemberControllers {
  /** Of everything that this member tells: they share one bound. */
  readonly events: EventRecorder;
  readonly #reflectors: readonly RunningReflector[];
  readonly #controller: ServiceController;
  readonly #autoExporter: AutoExporter;
  readonly #peers: PeerWatch;
  readonly #leases: PeerLeases | undefined;
  readonly #statuses: PeerStatusWriter | undefined;

  constructor(options: MemberControllersOptions, deps: MemberControllersDeps) {
    const { mcsVersion } = options;
    const namespaces = new Reflector<Namespace>(
      { resource: NAMESPACES, project: slimNamespace },
      deps,
    );
    const services = new Reflector<Service>({ resource: SERVICES, project: slimService }, deps);
    const slices = new Reflector<EndpointSlice>(
      { resource: ENDPOINT_SLICES, indexes: SLICE_INDEXES, project: slimSlice },
      deps,
    );
    const exports = new Reflector<ServiceExport>(
      { resource: serviceExports(mcsVersion), project: parseWith(parseServiceExport, deps.log) },
      deps,
    );
    const imports = new Reflector<ServiceImport>(
      { resource: serviceImports(mcsVersion), project: parseWith(parseServiceImport, deps.log) },
      deps,
    );
    this.#reflectors = [namespaces, services, slices, exports, imports];
    const views = {
      namespaces: namespaces.view,
      services: services.view,
      slices: slices.view,
      exports: exports.view,
      imports: imports.view,
    };
    const events = new EventRecorder({ instance: options.cluster }, deps);
    this.events = events;
    const { leaseNamespace: namespace, staleAfterMs = DEFAULT_STALE_AFTER_MS } = options;
    this.#peers = new PeerWatch({ staleAfterMs }, deps);
    // What never expires needs no Lease.
    if (namespace !== undefined && Number.isFinite(staleAfterMs)) {
      this.#leases = new PeerLeases({ namespace, staleAfterMs }, deps);
    }
    if (deps.told !== undefined) {
      const { selector: statuses, peers } = deps.told;
      this.#statuses = new PeerStatusWriter({ ...deps, statuses, peers, events });
    }
    const peers = this.#peers;
    const kube = new WriteThroughClient(deps.client, [services, slices, exports, imports]);
    const reconciler = new ServiceReconciler(options, { ...deps, peers, kube, views, events });
    this.#autoExporter = new AutoExporter(mcsVersion, { ...deps, kube, views, events });
    this.#controller = new ServiceController({ ...deps, client: kube, reconciler, views, peers });
  }

  /** Runs until the signal aborts. Work begins when every collection has been read in whole (I6). */
  async run(signal: AbortSignal): Promise<void> {
    for (const reflector of this.#reflectors) reflector.start(signal);
    for (const reflector of this.#reflectors) {
      if (!(await reflector.synced(signal))) return;
    }
    this.#peers.start(signal);
    this.#controller.start(signal);
    this.#autoExporter.start(signal);
    await Promise.all([
      this.#leases?.run(signal),
      this.#statuses?.run(signal),
      this.#controller.stopped(),
      this.#autoExporter.stopped(),
    ]);
  }

  get reflectors(): readonly RunningReflector[] {
    return this.#reflectors;
  }

  /** What auto-export has come to; undefined: there are no rules, or it has not looked yet. */
  get autoExports(): AutoExporter["counts"] {
    return this.#autoExporter.counts;
  }

  /** Looks at every service once more; an unchanged world sees no write from it (I9). */
  lookAgain(): void {
    this.#controller.lookAgain();
    this.#autoExporter.lookAgain();
  }

  /** No service waits to be looked at. */
  get idle(): boolean {
    return this.#controller.idle && this.#autoExporter.idle;
  }
}

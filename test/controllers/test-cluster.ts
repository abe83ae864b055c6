import type { ClusterId } from "../../api/cluster-id.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { EVENTS, type KubeEvent } from "../../api/kube/event.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../../api/kube/object.ts";
import { type IpFamily, SERVICES, type Service } from "../../api/kube/service.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import {
  type McsVersion,
  type ServiceExport,
  serviceExports,
} from "../../api/mcs/service-export.ts";
import {
  type ServiceImport,
  type ServiceImportSpec,
  serviceImports,
} from "../../api/mcs/service-import.ts";
import type { Result } from "../../api/result.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { MemoryBroker } from "../../broker/client/memory/memory-broker.ts";
import { derivedServiceName } from "../../controllers/import/derived-service/derived-service-name.ts";
import { MemberControllers } from "../../controllers/member-controllers.ts";
import { SHARE_EVERYTHING } from "../../controllers/policy/member-policy.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { Settable } from "../../runtime/config/settable.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { ApiServerCore } from "../../sandbox/apiserver/core/api-server-core.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import {
  InMemoryKubeClient,
  type InMemoryRequest,
} from "../../sandbox/apiserver/in-memory-kube-client.ts";
import { MemoryLogger } from "./memory-logger.ts";
import { ProvenPaths } from "./proven-paths.ts";
import { type SlowKubeOptions, slowKube } from "./slow-kube.ts";

export interface TestClusterOptions {
  readonly id: ClusterId;
  readonly families: readonly IpFamily[];
  readonly serviceCidrs?: readonly string[];
  /** @default v1beta1 */
  readonly mcsVersion?: McsVersion;
  /** How slow the API server is to the controllers. @default not at all */
  readonly slow?: Partial<SlowKubeOptions>;
  /** @default no Leases of source clusters */
  readonly leaseNamespace?: string;
}

export interface TestClusterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly broker: MemoryBroker;
}

/** An import with something in it. */
export interface Imported extends ServiceImport {
  readonly spec: ServiceImportSpec;
}

/** A write that a controller asked for. */
export interface Write {
  readonly verb: InMemoryRequest["verb"];
  readonly path: string;
}

/** Decides the fate of a controller's request: an error fails it, before the server saw it or after. */
export type Fault = (request: InMemoryRequest, moment: "before" | "after") => KubeError | undefined;

const CIDR = { IPv4: "10.96.0.0/16", IPv6: "fd00:96::/112" } as const;
const WRITES: ReadonlySet<string> = new Set([
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
]);

/** One cluster of a MemberWorld: an API server, an administrator who types, and controllers under observation. */
export class TestCluster {
  readonly name: string;
  readonly id: ClusterId;
  readonly admin: InMemoryKubeClient;
  readonly client: InMemoryKubeClient;
  readonly pump: CorePump;
  readonly log = new MemoryLogger();
  /** Of the controllers; follows what a test sets. */
  /** What probes have proved. */
  readonly paths = new ProvenPaths();
  readonly policy = new Settable(SHARE_EVERYTHING);
  readonly #options: TestClusterOptions;
  readonly #deps: TestClusterDeps;
  readonly #signal = new AbortController().signal;
  #writes: Write[] = [];
  #attempts = 0;
  #fault: Fault = () => undefined;
  #running:
    | {
        readonly controllers: MemberControllers;
        readonly link: BrokerLink;
        readonly stop: AbortController;
      }
    | undefined;

  constructor(options: TestClusterOptions, deps: TestClusterDeps) {
    this.name = options.id;
    this.id = options.id;
    this.#options = options;
    this.#deps = deps;
    const { clock, random } = deps;
    const serviceCidrs = options.serviceCidrs ?? options.families.map((family) => CIDR[family]);
    const core = valueOf(
      ApiServerCore.create({ serviceCidrs }, { random, nowMs: clock.nowMs() }),
      "API server",
    );
    this.pump = new CorePump({ settleDelayMs: 20 }, { core, clock });
    const base = { core, pump: this.pump, clock };
    this.admin = new InMemoryKubeClient({ fieldManager: "kubectl" }, base);
    this.client = new InMemoryKubeClient(
      {},
      { ...base, intercept: async (request, moment) => this.#intercept(request, moment) },
    );
  }

  /** What the controllers wrote, Events and Leases apart: those are told, not kept. */
  get writes(): readonly Write[] {
    return this.#writes;
  }

  /** Requests to write so far. */
  get attempts(): number {
    return this.#attempts;
  }

  get idle(): boolean {
    return this.#running?.controllers.idle ?? true;
  }

  /** Services that the broker has sent this cluster rows of. */
  get foreignServices(): readonly string[] {
    return [...(this.#running?.link.foreignServices() ?? [])];
  }

  clearWrites(): void {
    this.#writes = [];
  }

  /** Until the returned function is called. */
  inject(fault: Fault): () => void {
    this.#fault = fault;
    return () => {
      this.#fault = () => undefined;
    };
  }

  start(incarnation = 1): void {
    const { clock, random, broker } = this.#deps;
    const stop = new AbortController();
    const link = broker.link(this.id, incarnation);
    const controllers = new MemberControllers(
      {
        cluster: this.id,
        mcsVersion: this.#options.mcsVersion ?? "v1beta1",
        localFamilies: this.#options.families,
        ...(this.#options.leaseNamespace === undefined
          ? {}
          : { leaseNamespace: this.#options.leaseNamespace }),
      },
      {
        client: slowKube(this.client, clock, { watchLagMs: 0, createMs: 0, ...this.#options.slow }),
        link,
        paths: this.paths,
        policy: this.policy,
        clock,
        random,
        log: this.log,
        meter: silentMeter,
      },
    );
    link.start(stop.signal);
    void controllers.run(stop.signal);
    this.#running = { controllers, link, stop };
  }

  stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
  }

  /** A new process in the place of the old. */
  restart(incarnation = 1): void {
    this.stop();
    this.start(incarnation);
  }

  lookAgain(): void {
    this.#running?.controllers.lookAgain();
  }

  async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const created = await this.admin.create(resource, object, { signal: this.#signal });
    return valueOf(created, `create ${resource.plural}`);
  }

  async patch(resource: Resource, name: string, patch: object, namespace = "shop"): Promise<void> {
    const target = resource.namespaced ? { resource, namespace, name } : { resource, name };
    const patched = await this.admin.mergePatch(target, patch, { signal: this.#signal });
    valueOf(patched, `patch ${resource.plural} ${name}`);
  }

  async remove(resource: Resource, name: string, namespace = "shop"): Promise<void> {
    const target = resource.namespaced ? { resource, namespace, name } : { resource, name };
    const removed = await this.admin.delete(target, {}, { signal: this.#signal });
    valueOf(removed, `delete ${resource.plural} ${name}`);
  }

  async find<T extends KubeObject>(
    resource: Resource,
    name: string,
    namespace = "shop",
  ): Promise<T | undefined> {
    const target = resource.namespaced ? { resource, namespace, name } : { resource, name };
    const found = await this.admin.get<T>(target, { signal: this.#signal });
    if (found.ok) return found.value;
    if (found.error.kind === "not-found") return undefined;
    throw new Error(found.error.message);
  }

  async list<T extends KubeObject>(resource: Resource, labelSelector = ""): Promise<readonly T[]> {
    const listed = await this.admin.list<T>(resource, { labelSelector }, { signal: this.#signal });
    return valueOf(listed, `list ${resource.plural}`).items;
  }

  async namespace(name: string): Promise<void> {
    await this.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }

  /** An exported Service `web` with a slice of ready endpoints, as kube-controller-manager would write it. */
  async exported(
    spec: Partial<Service["spec"]> = {},
    endpoints: readonly string[] = [`10.${this.name.charCodeAt(0)}.0.1`],
  ): Promise<void> {
    await this.service(spec);
    await this.slice("web-1", endpoints);
    await this.export();
  }

  async service(spec: Partial<Service["spec"]> = {}, name = "web"): Promise<void> {
    await this.create<Service>(SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "shop", name },
      spec: { selector: { app: name }, ports: [{ name: "http", port: 80 }], ...spec },
    });
  }

  async slice(
    name: string,
    addresses: readonly string[],
    fields: Partial<EndpointSlice> = {},
  ): Promise<void> {
    await this.create<EndpointSlice>(ENDPOINT_SLICES, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: "shop",
        name,
        labels: {
          "kubernetes.io/service-name": "web",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
      },
      addressType: addresses[0]?.includes(":") === true ? "IPv6" : "IPv4",
      ports: [{ name: "http", protocol: "TCP", port: 8080 }],
      endpoints: addresses.map((address) => ({
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
      })),
      ...fields,
    });
  }

  async export(spec: ServiceExport["spec"] = {}, name = "web"): Promise<void> {
    const resource = serviceExports();
    await this.create<ServiceExport>(resource, {
      apiVersion: apiVersionOf(resource),
      kind: "ServiceExport",
      metadata: { namespace: "shop", name },
      spec,
    });
  }

  async unexport(name = "web"): Promise<void> {
    await this.remove(serviceExports(), name);
  }

  import(name = "web", namespace = "shop"): Promise<Imported | undefined> {
    return this.find<Imported>(serviceImports(), name, namespace);
  }

  derived(name = "web", namespace = "shop"): Promise<Service | undefined> {
    return this.find<Service>(SERVICES, derivedServiceName(namespace, name), namespace);
  }

  /** MCS slices of a service, by source cluster and address. */
  async slices(name = "web"): Promise<readonly EndpointSlice[]> {
    const found = await this.list<EndpointSlice>(ENDPOINT_SLICES, `${LABEL_SERVICE_NAME}=${name}`);
    return found.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b)));
  }

  /** Addresses that a local client may be sent to, by source cluster. */
  async backends(name = "web"): Promise<Readonly<Record<string, readonly string[]>>> {
    const byCluster: Record<string, string[]> = {};
    for (const slice of await this.slices(name)) {
      const cluster = slice.metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "";
      const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
      byCluster[cluster] = [...(byCluster[cluster] ?? []), ...addresses];
    }
    return byCluster;
  }

  /** `status/reason` of each condition of the export, by type. */
  async conditions(name = "web"): Promise<Readonly<Record<string, string>>> {
    const found = await this.find<ServiceExport>(serviceExports(), name);
    const conditions = found?.status?.conditions ?? [];
    return Object.fromEntries(conditions.map((c) => [c.type, `${c.status}/${c.reason}`]));
  }

  /** `type reason kind/name` of each Event, in order. */
  async events(): Promise<readonly string[]> {
    const found = await this.list<KubeEvent>(EVENTS);
    return found
      .toSorted((a, b) => (a.eventTime < b.eventTime ? -1 : 1))
      .map(
        ({ type, reason, regarding }) => `${type} ${reason} ${regarding.kind}/${regarding.name}`,
      );
  }

  #intercept(request: InMemoryRequest, moment: "before" | "after"): KubeError | undefined {
    const isWrite = WRITES.has(request.verb) && !/\/(events|leases)/.test(request.path);
    if (isWrite && moment === "before") {
      this.#attempts += 1;
      this.#writes.push({ verb: request.verb, path: request.path });
    }
    return this.#fault(request, moment);
  }
}

function sortKey(slice: EndpointSlice): string {
  const address = slice.endpoints?.[0]?.addresses[0] ?? "";
  return `${slice.metadata.labels?.[LABEL_SOURCE_CLUSTER]} ${address}`;
}

function valueOf<T>(result: Result<T, KubeError | string>, what: string): T {
  if (result.ok) return result.value;
  const reason = typeof result.error === "string" ? result.error : result.error.message;
  throw new Error(`${what}: ${reason}`);
}

import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { type IpFamily, SERVICES, type Service } from "../../api/kube/service.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import type { Result } from "../../api/result.ts";
import { shippedCrds } from "../../cli/cluster/install-crds.ts";
import { derivedServiceName } from "../../controllers/import/derived-service/derived-service-name.ts";
import { importService } from "../../controllers/import/import-stage.ts";
import type { ReachableRow } from "../../controllers/import/slices/derive-slices.ts";
import type { MergedService } from "../../controllers/merge/merge-exports.ts";
import { isOwn } from "../../controllers/reconcile/is-own.ts";
import { OwnObjects } from "../../controllers/reconcile/own-objects.ts";
import type { World } from "../../controllers/reconcile/world.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { ApiServerCore } from "../../sandbox/apiserver/core/api-server-core.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import { InMemoryKubeClient } from "../../sandbox/apiserver/in-memory-kube-client.ts";

const CIDR = { IPv4: "10.96.0.0/16", IPv6: "fd00:96::/112" } as const;
const CRDS: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};
const IMPORTS = serviceImports();
const OPTIONS = { signal: new AbortController().signal };

/** One cluster's API with the shipped definitions and the part of the controllers that writes imports: pass after pass, by hand. */
export class ImportBench {
  readonly #families: readonly IpFamily[];
  readonly #clock = new VirtualClock();
  readonly #core: ApiServerCore;
  readonly #admin: InMemoryKubeClient;
  readonly #client: InMemoryKubeClient;
  #namespaceCount = 0;
  #writes: string[] = [];

  constructor(families: readonly IpFamily[]) {
    this.#families = families;
    const clock = this.#clock;
    const created = ApiServerCore.create(
      { serviceCidrs: families.map((family) => CIDR[family]) },
      { random: seededRandom(7), nowMs: clock.nowMs() },
    );
    if (!created.ok) throw new Error(created.error);
    this.#core = created.value;
    const base = {
      core: this.#core,
      clock,
      pump: new CorePump({ settleDelayMs: 20 }, { core: this.#core, clock }),
    };
    this.#admin = new InMemoryKubeClient({}, base);
    this.#client = new InMemoryKubeClient(
      {},
      {
        ...base,
        intercept: ({ verb, path }, moment) => {
          if (moment === "before" && verb !== "get") this.#writes.push(`${verb} ${path}`);
          return Promise.resolve(undefined);
        },
      },
    );
  }

  async install(): Promise<void> {
    for (const crd of shippedCrds()) await this.#create(CRDS, crd);
    this.#core.settle(this.#clock.nowMs());
  }

  /** A namespace that nothing happened in yet. */
  async freshNamespace(): Promise<string> {
    this.#namespaceCount += 1;
    const name = `n${this.#namespaceCount}`;
    await this.#create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    return name;
  }

  /** One pass over one service, and what it asked the API server to write. */
  async pass(
    merged: MergedService,
    rows: readonly ReachableRow[],
  ): Promise<{ readonly result: Result<unknown, KubeError>; readonly writes: readonly string[] }> {
    this.#writes = [];
    const objects = new OwnObjects(this.#client);
    const result = await importService(
      { mcsVersion: "v1beta1", localFamilies: this.#families },
      { objects, clock: this.#clock },
      { world: await this.#observe(merged), merged, rows, ...OPTIONS },
    );
    return { result, writes: this.#writes };
  }

  async #observe({ namespace, name }: MergedService): Promise<World> {
    const slices = await this.#list<EndpointSlice>(ENDPOINT_SLICES, namespace);
    return {
      namespace,
      name,
      namespaceObject: await this.#find<Namespace>(NAMESPACES, namespace),
      serviceExport: undefined,
      service: undefined,
      sourceSlices: [],
      serviceImport: await this.#find<ServiceImport>(IMPORTS, name, namespace),
      derivedService: await this.#find<Service>(
        SERVICES,
        derivedServiceName(namespace, name),
        namespace,
      ),
      ownSlices: slices.filter(
        (slice) => isOwn(slice) && slice.metadata.labels?.[LABEL_SERVICE_NAME] === name,
      ),
      findSlice: (wanted) => slices.find(({ metadata }) => metadata.name === wanted),
      foreignRows: [],
      exportDenial: undefined,
      importDenial: undefined,
    };
  }

  async #create(resource: Resource, object: KubeObject): Promise<void> {
    const created = await this.#admin.create(resource, object, OPTIONS);
    if (!created.ok) throw new Error(created.error.message);
  }

  async #list<T extends KubeObject>(resource: Resource, namespace: string): Promise<readonly T[]> {
    const listed = await this.#admin.list<T>(resource, { namespace }, OPTIONS);
    if (!listed.ok) throw new Error(listed.error.message);
    return listed.value.items;
  }

  async #find<T extends KubeObject>(
    resource: Resource,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> {
    const ref = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
    const found = await this.#admin.get<T>(ref, OPTIONS);
    return found.ok ? found.value : undefined;
  }
}

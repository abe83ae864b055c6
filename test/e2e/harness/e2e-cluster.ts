import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { type ServiceExport, serviceExports } from "../../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { MemberProcesses } from "../../../sandbox/clusterset/clusterset-processes.ts";

/** One member under test: an API server, embedded or real, and our processes beside it. */
export class E2eCluster {
  readonly id: string;
  readonly kube: KubeClient;
  readonly processes: MemberProcesses;
  /** A shell inside the cluster; only embedded clusters have one. */
  readonly socksPort: number | undefined;
  readonly #signal: AbortSignal;

  constructor(fields: {
    readonly id: string;
    readonly kube: KubeClient;
    readonly processes: MemberProcesses;
    readonly socksPort?: number;
    readonly signal: AbortSignal;
  }) {
    this.id = fields.id;
    this.kube = fields.kube;
    this.processes = fields.processes;
    this.socksPort = fields.socksPort;
    this.#signal = fields.signal;
  }

  async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const created = await this.kube.create(resource, object, { signal: this.#signal });
    if (!created.ok) {
      throw new Error(
        `${this.id}: cannot create ${resource.kind} ${object.metadata.name}: ${created.error.message}`,
      );
    }
    return created.value;
  }

  async createNamespace(name: string): Promise<void> {
    await this.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }

  /** Gone already is fine. */
  async remove(resource: Resource, namespace: string | undefined, name: string): Promise<void> {
    const removed = await this.kube.delete(
      { resource, name, ...(namespace === undefined ? {} : { namespace }) },
      {},
      { signal: this.#signal },
    );
    if (!removed.ok && removed.error.kind !== "not-found") throw new Error(removed.error.message);
  }

  async find<T extends KubeObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> {
    const ref = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
    const found = await this.kube.get<T>(ref, { signal: this.#signal });
    if (found.ok) return found.value;
    if (found.error.kind === "not-found") return undefined;
    throw new Error(found.error.message);
  }

  import(namespace: string, name: string): Promise<ServiceImport | undefined> {
    return this.find<ServiceImport>(serviceImports(), namespace, name);
  }

  export(namespace: string, name: string): Promise<ServiceExport | undefined> {
    return this.find<ServiceExport>(serviceExports(), namespace, name);
  }

  async list<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    labelSelector: string,
  ): Promise<readonly T[]> {
    const listed = await this.kube.list<T>(
      resource,
      { namespace, labelSelector },
      { signal: this.#signal },
    );
    if (!listed.ok) throw new Error(listed.error.message);
    return listed.value.items;
  }

  /** MCS slices of one import. */
  slices(namespace: string, name: string): Promise<readonly EndpointSlice[]> {
    return this.list(ENDPOINT_SLICES, namespace, `${LABEL_SERVICE_NAME}=${name}`);
  }

  /** `source-cluster address` of each ready endpoint in the MCS slices, sorted: the state of the world in one value. */
  async backends(namespace: string, name: string): Promise<readonly string[]> {
    return (await this.slices(namespace, name))
      .flatMap((slice) =>
        (slice.endpoints ?? [])
          .filter((endpoint) => endpoint.conditions?.ready !== false)
          .flatMap((endpoint) =>
            endpoint.addresses.map(
              (address) => `${slice.metadata.labels?.[LABEL_SOURCE_CLUSTER]} ${address}`,
            ),
          ),
      )
      .toSorted();
  }
}

import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { type IpFamily, SERVICES, type Service } from "../../../api/kube/service.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { serviceExports } from "../../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import { PODS, type Pod } from "../../../sandbox/node/kinds/pod.ts";
import type { NetWorld } from "./net-world.ts";

export const HTTP = 8080;
export const UDP = 5300;
/** Pods listen here too, but no Service has it. */
export const UNEXPORTED = 9999;

export interface Backend {
  readonly cluster: string;
  readonly address: string;
}

/** A Service with one pod on each node of some clusters, exported from them. */
export class NetService {
  readonly namespace: string;
  readonly name: string;
  readonly #world: NetWorld;

  constructor(world: NetWorld, namespace: string, name = "web") {
    this.#world = world;
    this.namespace = namespace;
    this.name = name;
  }

  /** In every cluster the namespace, in `exporters` pods, Service and export. Resolves when the pods run. */
  async deploy(exporters: readonly string[], spec: Partial<Service["spec"]> = {}): Promise<void> {
    const { clusters } = this.#world.clusterset;
    for (const { plan } of clusters) await this.#world.createNamespace(plan.id, this.namespace);
    await Promise.all(exporters.map((id) => this.#deployIn(id, spec)));
  }

  async #deployIn(id: string, spec: Partial<Service["spec"]>): Promise<void> {
    const world = this.#world;
    const { plan } = world.cluster(id);
    const metadata = { namespace: this.namespace, name: this.name };
    await world.create(id, SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        selector: { app: this.name },
        ipFamilyPolicy: plan.families.length > 1 ? "RequireDualStack" : "SingleStack",
        ipFamilies: plan.families,
        ports: [
          { name: "http", port: 80, targetPort: HTTP },
          { name: "dgram", port: UDP, protocol: "UDP" },
        ],
        ...spec,
      },
    } as Service);
    for (const node of plan.nodes) {
      await world.create(id, PODS, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...metadata, name: `${this.name}-${node.name}`, labels: { app: this.name } },
        spec: {
          nodeName: node.name,
          containers: [
            {
              name: "echo",
              image: "sandbox/echo",
              ports: [
                { containerPort: HTTP },
                { containerPort: UDP, protocol: "UDP" },
                // The load uses one number for both protocols.
                { containerPort: HTTP, protocol: "UDP" },
                { containerPort: UNEXPORTED },
              ],
            },
          ],
        },
      } as Pod);
    }
    await this.export(id);
    await world.until(`${id}: pods of ${this.name} to run`, async () => {
      const pods = await Promise.all(plan.nodes.map((node) => this.#podAddress(id, node.name)));
      return pods.every((address) => address !== undefined) ? true : undefined;
    });
  }

  async export(id: string): Promise<void> {
    const resource = serviceExports();
    await this.#world.create(id, resource, {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { namespace: this.namespace, name: this.name },
    });
  }

  unexport(id: string): Promise<void> {
    return this.#world.remove(id, serviceExports(), this.namespace, this.name);
  }

  async #podAddress(id: string, node: string): Promise<string | undefined> {
    const pod = await this.#world.find<Pod>(id, PODS, this.namespace, `${this.name}-${node}`);
    return pod?.status?.phase === "Running" ? pod.status.podIP : undefined;
  }

  /** The pod's own address, by its own cluster. */
  async podAddress(id: string, node: string): Promise<string> {
    const address = await this.#podAddress(id, node);
    if (address === undefined) throw new Error(`${id}: no pod of ${this.name} runs on ${node}`);
    return address;
  }

  /** What clients in a cluster are offered of another: addresses as they dial them. */
  async backends(importer: string, family: IpFamily = "IPv4"): Promise<readonly Backend[]> {
    const { kube } = this.#world.cluster(importer);
    const listed = await kube.list<EndpointSlice>(
      ENDPOINT_SLICES,
      { namespace: this.namespace, labelSelector: `${LABEL_SERVICE_NAME}=${this.name}` },
      { signal: AbortSignal.timeout(10_000) },
    );
    if (!listed.ok) throw new Error(listed.error.message);
    return listed.value.items
      .filter((slice) => slice.addressType === family)
      .flatMap((slice) =>
        (slice.endpoints ?? [])
          .filter((endpoint) => endpoint.conditions?.ready !== false)
          .map((endpoint) => ({
            cluster: slice.metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "",
            address: endpoint.addresses[0] ?? "",
          })),
      )
      .toSorted((a, b) => (`${a.cluster} ${a.address}` < `${b.cluster} ${b.address}` ? -1 : 1));
  }

  /** Waits until a cluster is offered as many endpoints of each exporter as that has nodes. */
  offered(
    importer: string,
    exporters: readonly string[],
    family: IpFamily = "IPv4",
  ): Promise<readonly Backend[]> {
    return this.#world.until(
      `${importer} to be offered ${this.name} of ${exporters.join(", ")}`,
      async () => {
        const backends = await this.backends(importer, family);
        const counts = exporters.map(
          (id) => backends.filter(({ cluster }) => cluster === id).length,
        );
        const wanted = this.#world.clusterset.plan.clusters[0]?.nodes.length ?? 0;
        const others = backends.filter(({ cluster }) => !exporters.includes(cluster));
        return counts.every((count) => count === wanted) && others.length === 0
          ? backends
          : undefined;
      },
    );
  }

  /** The clusterset IP as a cluster knows it. */
  async clustersetIp(importer: string, family: IpFamily = "IPv4"): Promise<string> {
    return this.#world.until(`${importer} to have an address for ${this.name}`, async () => {
      const found = await this.#world.find<ServiceImport>(
        importer,
        serviceImports(),
        this.namespace,
        this.name,
      );
      return found?.spec.ips?.find((ip) => ip.includes(":") === (family === "IPv6"));
    });
  }
}

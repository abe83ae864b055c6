import { DEPLOYMENTS } from "../../../api/kube/deployment.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import {
  type IpFamily,
  SERVICES,
  type Service,
  type ServicePort,
} from "../../../api/kube/service.ts";
import { type ServiceExport, serviceExports } from "../../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import type { Deployment } from "../../../sandbox/node/kinds/deployment.ts";
import type { E2eCluster } from "./e2e-cluster.ts";
import type { E2eClusterset } from "./e2e-clusterset.ts";

type ServiceSpec = Partial<Service["spec"]>;
type ExportSpec = ServiceExport["spec"];

/** Ports of upstream's Service, in its order (ENV-06). */
export const HELLO_PORTS: readonly ServicePort[] = [
  { name: "tcp", port: 42, protocol: "TCP" },
  { name: "udp", port: 42, protocol: "UDP" },
];

const STICKY = {
  sessionAffinity: "ClientIP",
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
};

/** One-second stamps: what is made after this is younger beyond doubt (ENV-11). */
export const YOUNGER_MS = 1_100;

/**
 * The Service `hello` of upstream's conformance suite (ENV-05, ENV-06) in a namespace of its own, with endpoints by hand
 * (`deploy`: any API server) or with pods (`run`: where something runs them). Clusters are named by their place in the
 * clusterset: c0 is 0.
 */
export class HelloFixture {
  readonly namespace: string;
  readonly name = "hello";
  readonly #set: E2eClusterset;

  static async create(set: E2eClusterset): Promise<HelloFixture> {
    return new HelloFixture(await set.namespace(), set);
  }

  private constructor(namespace: string, set: E2eClusterset) {
    this.namespace = namespace;
    this.#set = set;
  }

  get dnsName(): string {
    return `${this.name}.${this.namespace}.svc.clusterset.local`;
  }

  /** The endpoint of a family that `deploy` writes by hand. */
  address(index: number, family: IpFamily = "IPv4"): string {
    return family === "IPv4" ? `10.${index + 1}.220.1` : `fd00:${index + 1}::220:1`;
  }

  /** `spec` replaces what upstream's Service says, key by key. */
  service(spec: ServiceSpec): Service {
    return {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        namespace: this.namespace,
        name: this.name,
        labels: { "dummy-svc": "dummy" },
        annotations: { "dummy-svc": "dummy" },
      },
      spec: {
        ports: HELLO_PORTS,
        ipFamilyPolicy: "PreferDualStack",
        ...(spec.sessionAffinity === undefined ? STICKY : {}),
        ...spec,
      },
    };
  }

  /** The Service and one endpoint, in each family that the cluster gave the Service. */
  async deploy(index: number, spec: ServiceSpec = {}): Promise<Service> {
    const service = await this.#set.cluster(index).create(SERVICES, this.service(spec));
    for (const family of service.spec.ipFamilies ?? (["IPv4"] as const)) {
      await this.#set.cluster(index).create(ENDPOINT_SLICES, this.#slice(index, service, family));
    }
    return service;
  }

  /** The same with pods; resolves to their addresses when all of them are in the Service's own slices. */
  async run(index: number, spec: ServiceSpec = {}, replicas = 1): Promise<readonly string[]> {
    const cluster = this.#set.cluster(index);
    const labels = { app: this.name };
    await cluster.create(SERVICES, this.service({ selector: labels, ...spec }));
    const containers = [
      { name: "tcp", ports: [{ containerPort: 42 }] },
      { name: "udp", ports: [{ containerPort: 42, protocol: "UDP" }] },
    ] as const;
    await cluster.create<Deployment>(DEPLOYMENTS, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: this.namespace, name: this.name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: containers.map((c) => ({ ...c, image: "sandbox/hello" })) },
        },
      },
    });
    return this.ownEndpoints(cluster, replicas);
  }

  /** Addresses of the Service's own ready endpoints, sorted, once there are as many. */
  ownEndpoints(cluster: E2eCluster, count: number): Promise<readonly string[]> {
    return this.#set.eventually(
      `${cluster.id} to have ${count} ready endpoints`,
      async () =>
        (
          await cluster.list<EndpointSlice>(
            ENDPOINT_SLICES,
            this.namespace,
            `kubernetes.io/service-name=${this.name}`,
          )
        )
          .flatMap((slice) => slice.endpoints ?? [])
          .filter((endpoint) => endpoint.conditions?.ready === true)
          .flatMap((endpoint) => endpoint.addresses)
          .toSorted(),
      (found) => found.length === count,
    );
  }

  /** Metadata of the export must not travel (EXP-12). */
  async export(index: number, spec: ExportSpec = {}): Promise<void> {
    const { group, version, kind } = serviceExports();
    await this.#set.cluster(index).create<ServiceExport>(serviceExports(), {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: {
        namespace: this.namespace,
        name: this.name,
        labels: { "dummy-svcexport": "dummy" },
        annotations: { "dummy-svcexport": "dummy" },
      },
      spec,
    });
  }

  async unexport(index: number): Promise<void> {
    await this.#set.cluster(index).remove(serviceExports(), this.namespace, this.name);
  }

  /** Upstream's order for two clusters: export, see the import there, let a second pass (ENV-11). */
  async exportFirst(index: number, spec: ExportSpec = {}): Promise<void> {
    await this.export(index, spec);
    await this.imported(this.#set.cluster(index));
    await sleep(systemClock, YOUNGER_MS, this.#set.signal);
  }

  imported(
    cluster: E2eCluster,
    wanted: (found: ServiceImport) => boolean = () => true,
  ): Promise<ServiceImport> {
    return this.#set
      .eventually(
        `${cluster.id} to import hello as wanted`,
        () => cluster.import(this.namespace, this.name),
        (found) => found !== undefined && wanted(found),
      )
      .then((found) => {
        if (found === undefined) throw new Error("an import that was wanted is there");
        return found;
      });
  }

  async importGone(cluster: E2eCluster): Promise<void> {
    await this.#set.eventually(
      `${cluster.id} to have no import`,
      () => cluster.import(this.namespace, this.name),
      (found) => found === undefined,
    );
  }

  /** `status/reason` of a condition of this cluster's export, once it is as wanted. */
  async condition(index: number, type: string, wanted: string): Promise<void> {
    const cluster = this.#set.cluster(index);
    await this.#set.eventually(
      `${type} of ${cluster.id}'s export to be ${wanted}`,
      async () => {
        const found = (await cluster.export(this.namespace, this.name))?.status?.conditions;
        const condition = found?.find((candidate) => candidate.type === type);
        return `${condition?.status}/${condition?.reason}`;
      },
      (is) => is === wanted,
    );
  }

  #slice(index: number, { spec }: Service, family: IpFamily): EndpointSlice {
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: this.namespace,
        name: `${this.name}-${family.toLowerCase()}`,
        labels: {
          "kubernetes.io/service-name": this.name,
          "endpointslice.kubernetes.io/managed-by": "e2e.isthmus.dev",
        },
      },
      addressType: family,
      ports: (spec.ports ?? []).map(({ name = "", protocol = "TCP", port }) => ({
        name,
        protocol,
        port,
      })),
      endpoints: [{ addresses: [this.address(index, family)], conditions: { ready: true } }],
    };
  }
}

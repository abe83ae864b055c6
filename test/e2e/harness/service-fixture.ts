import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { type ServiceExport, serviceExports } from "../../../api/mcs/service-export.ts";
import type { E2eCluster } from "./e2e-cluster.ts";

/**
 * A Service without selector and with hand-written EndpointSlices: real on every API server, with nodes or without.
 * One per test, in a namespace of its own.
 */
export class ServiceFixture {
  readonly namespace: string;
  readonly name: string;
  readonly #signal: AbortSignal;

  constructor(namespace: string, name: string, signal: AbortSignal) {
    this.namespace = namespace;
    this.name = name;
    this.#signal = signal;
  }

  get dnsName(): string {
    return `${this.name}.${this.namespace}.svc.clusterset.local`;
  }

  service(spec: Partial<Service["spec"]> = {}): Service {
    return {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: this.namespace, name: this.name },
      spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }], ...spec },
    };
  }

  slice(addresses: readonly string[], name = this.name): EndpointSlice {
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: this.namespace,
        name,
        labels: {
          "kubernetes.io/service-name": this.name,
          "endpointslice.kubernetes.io/managed-by": "e2e.isthmus.dev",
        },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: addresses.map((address) => ({
        addresses: [address],
        conditions: { ready: true },
      })),
    };
  }

  async deploy(
    cluster: E2eCluster,
    addresses: readonly string[],
    spec: Partial<Service["spec"]> = {},
  ): Promise<void> {
    await cluster.create(SERVICES, this.service(spec));
    await cluster.create(ENDPOINT_SLICES, this.slice(addresses));
  }

  async export(cluster: E2eCluster, spec: ServiceExport["spec"] = {}): Promise<void> {
    const resource = serviceExports();
    await cluster.create<ServiceExport>(resource, {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { namespace: this.namespace, name: this.name },
      spec,
    });
  }

  async unexport(cluster: E2eCluster): Promise<void> {
    await cluster.remove(serviceExports(), this.namespace, this.name);
  }

  async setAddresses(cluster: E2eCluster, addresses: readonly string[]): Promise<void> {
    const patched = await cluster.kube.mergePatch(
      { resource: ENDPOINT_SLICES, namespace: this.namespace, name: this.name },
      { endpoints: this.slice(addresses).endpoints },
      { signal: this.#signal },
    );
    if (!patched.ok) throw new Error(patched.error.message);
  }
}

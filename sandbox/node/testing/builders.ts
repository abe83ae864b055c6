import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import type { Deployment } from "../kinds/deployment.ts";
import type { ContainerPort, Pod } from "../kinds/pod.ts";
import type { StatefulSet } from "../kinds/stateful-set.ts";

export interface PodFacts {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ports?: readonly ContainerPort[];
  readonly ips?: readonly string[];
  readonly ready?: boolean;
  readonly terminating?: boolean;
  readonly phase?: string;
  readonly created?: string;
  readonly spec?: Partial<Pod["spec"]>;
}

/** A Pod; one with `ips` runs. */
export function aPod(facts: PodFacts = {}): Pod {
  const { name = "web-1", namespace = "shop", labels = { app: "web" }, ips = [] } = facts;
  const [podIP] = ips;
  const ready = facts.ready === false ? "False" : "True";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      labels,
      ...(facts.annotations === undefined ? {} : { annotations: facts.annotations }),
      ...(facts.created === undefined ? {} : { creationTimestamp: facts.created }),
      ...(facts.terminating === true ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: {
      containers: [{ name: "main", image: "web", ...(facts.ports && { ports: facts.ports }) }],
      ...facts.spec,
    },
    ...(podIP === undefined
      ? {}
      : {
          status: {
            phase: facts.phase ?? "Running",
            podIP,
            podIPs: ips.map((ip) => ({ ip })),
            conditions: [
              { type: "Ready", status: ready, lastTransitionTime: "2026-01-01T00:00:00Z" },
            ],
          },
        }),
  };
}

export function aService(spec: Service["spec"] = {}, metadata: object = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop", uid: "uid-service", ...metadata },
    spec: {
      clusterIP: "10.96.0.10",
      selector: { app: "web" },
      ports: [{ port: 80, targetPort: 8080 }],
      ...spec,
    },
  };
}

export function aSlice(fields: Partial<EndpointSlice> = {}, metadata: object = {}): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "web-abc",
      namespace: "shop",
      labels: { "kubernetes.io/service-name": "web" },
      ...metadata,
    },
    addressType: "IPv4",
    endpoints: [],
    ports: [{ name: "", protocol: "TCP", port: 8080 }],
    ...fields,
  };
}

export function aDeployment(spec: Partial<Deployment["spec"]> = {}): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop", uid: "uid-deployment", generation: 1 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "main", image: "web:1" }] },
      },
      ...spec,
    },
  };
}

export function aStatefulSet(spec: Partial<StatefulSet["spec"]> = {}): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "shop", uid: "uid-stateful-set", generation: 1 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "db" } },
      serviceName: "db",
      template: {
        metadata: { labels: { app: "db" } },
        spec: { containers: [{ name: "main", image: "db:1" }] },
      },
      ...spec,
    },
  };
}

import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";

/** The service that the demo exports, named as the README names it. */
export const SAMPLE = { namespace: "shop", name: "web", port: 80 } as const;

interface Manifest {
  readonly resource: Resource;
  readonly object: KubeObject & Readonly<Record<string, unknown>>;
}

export function sampleNamespace(): Manifest {
  return {
    resource: NAMESPACES,
    object: { apiVersion: "v1", kind: "Namespace", metadata: { name: SAMPLE.namespace } },
  };
}

/** Two pods behind a Service, in one member. */
export function sampleWorkload(replicas: number): readonly Manifest[] {
  const labels = { app: SAMPLE.name };
  const metadata = { namespace: SAMPLE.namespace, name: SAMPLE.name };
  return [
    {
      resource: DEPLOYMENTS,
      object: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { ...metadata, labels },
        spec: {
          replicas,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              containers: [
                {
                  name: "web",
                  image: "sandbox/web",
                  ports: [{ name: "http", containerPort: 8080 }],
                },
              ],
            },
          },
        },
      },
    },
    {
      resource: SERVICES,
      object: {
        apiVersion: "v1",
        kind: "Service",
        metadata,
        spec: {
          selector: labels,
          ports: [{ name: "http", port: SAMPLE.port, targetPort: "http" }],
        },
      },
    },
  ];
}

export function sampleExport(): Manifest {
  const resource = serviceExports();
  return {
    resource,
    object: {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { namespace: SAMPLE.namespace, name: SAMPLE.name },
    },
  };
}

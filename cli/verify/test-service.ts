import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { type McsVersion, serviceExports } from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

export const TEST_SERVICE = "verify";
export const TEST_PORT = 80;
/** Serves the name of its pod at /hostname. */
export const TEST_IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53";
const POD_PORT = 8080;

const DEPLOYMENTS: Resource = {
  group: "apps",
  version: "v1",
  plural: "deployments",
  kind: "Deployment",
  namespaced: true,
};

export interface Made {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/** It must not run as root, so that clusters with strict pod security take it. */
export function workloadOf(namespace: string, image: string): readonly Made[] {
  const labels = { app: TEST_SERVICE };
  const metadata = { namespace, name: TEST_SERVICE };
  const container = {
    name: "web",
    image,
    args: ["netexec", `--http-port=${POD_PORT}`],
    ports: [{ name: "http", containerPort: POD_PORT }],
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      runAsUser: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { selector: labels, ports: [{ name: "http", port: TEST_PORT, targetPort: "http" }] },
  };
  return [
    { resource: DEPLOYMENTS, object: deployment },
    { resource: SERVICES, object: service },
  ];
}

export function exportOf(namespace: string, version: McsVersion): Made {
  const resource = serviceExports(version);
  const { group, kind } = resource;
  const metadata = { namespace, name: TEST_SERVICE };
  return { resource, object: { apiVersion: `${group}/${version}`, kind, metadata } };
}

export function namespaceOf(name: string): Made {
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  return { resource: NAMESPACES, object };
}

export async function make(
  { resource, object }: Made,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Result<undefined, string>> {
  const made = await client.create(resource, object, { signal });
  return made.ok
    ? ok(undefined)
    : err(`cannot make ${resource.kind} ${object.metadata.name}: ${made.error.message}`);
}

import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { type McsVersion, serviceExports } from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { POD_PORT, SERVER_PROGRAM } from "./pod-programs.ts";
import { testPodSpec } from "./test-pod.ts";

export const TEST_SERVICE = "verify";
export const TEST_PORT = 80;

export const nameIn = (namespace: string): string =>
  `${TEST_SERVICE}.${namespace}.svc.clusterset.local`;

export interface Made {
  readonly resource: Resource;
  readonly object: KubeObject;
}

export function workloadOf(namespace: string, image: string): readonly Made[] {
  const labels = { app: TEST_SERVICE };
  const metadata = { namespace, name: TEST_SERVICE };
  const ports = [{ name: "http", containerPort: POD_PORT }];
  const spec = testPodSpec({
    image,
    program: SERVER_PROGRAM,
    env: { PORT: String(POD_PORT) },
    ports,
  });
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
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
  // What is started there must need no exception.
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
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

import type { KubeObject } from "../../api/kube/object.ts";
import { labelsOf, type Port, selectorOf } from "./piece-words.ts";
import type { Process } from "./process.ts";

/** One of several replicas may be evicted at a time. Undefined for a single one: it could never be. */
export function disruptionBudgetOf({ name, namespace, replicas }: Process): KubeObject | undefined {
  if (replicas < 2) return undefined;
  return object(
    "policy/v1",
    "PodDisruptionBudget",
    { name, namespace },
    {
      maxUnavailable: 1,
      selector: { matchLabels: selectorOf(name) },
    },
  );
}

/**
 * Lets in what the process serves, and its health and metrics from pods of this cluster.
 * @param more rules of ingress
 */
export function networkPolicyOf(
  { name, namespace, ports, healthPort }: Process,
  more: readonly object[] = [],
): KubeObject {
  const open = ports.map(({ port, protocol }) => ({ port, protocol }));
  return object(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    { name, namespace },
    {
      podSelector: { matchLabels: selectorOf(name) },
      policyTypes: ["Ingress"],
      ingress: [
        ...(open.length === 0 ? [] : [{ ports: open }]),
        { from: [{ namespaceSelector: {} }], ports: [{ port: healthPort, protocol: "TCP" }] },
        ...more,
      ],
    },
  );
}

export interface ServiceChoice {
  readonly type: string;
  readonly clusterIP?: string | undefined;
  readonly nodePort?: number | undefined;
  /** What clients dial, by name of the process's port. */
  readonly outside: readonly Port[];
}

export function serviceOf({ name, namespace }: Process, choice: ServiceChoice): KubeObject {
  const { type, clusterIP, nodePort, outside } = choice;
  return object(
    "v1",
    "Service",
    { name, namespace },
    {
      type,
      ...(clusterIP === undefined ? {} : { clusterIP }),
      selector: selectorOf(name),
      ports: outside.map((port) => ({
        ...port,
        targetPort: port.name,
        ...(nodePort === undefined ? {} : { nodePort }),
      })),
    },
  );
}

function object(
  apiVersion: string,
  kind: string,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  spec: object,
): KubeObject & { readonly spec: object } {
  return { apiVersion, kind, metadata: { namespace, name, labels: labelsOf(name) }, spec };
}

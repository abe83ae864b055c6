import { must } from "../../../api/result.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { Pod } from "../../../sandbox/node/kinds/pod.ts";
import { PODS } from "../../../sandbox/node/kinds/pod.ts";

/** A cluster with nodes, embedded or real, as an engineer has it before the first line. */
export interface LineCluster {
  readonly kubeconfig: string;
  /** Undefined: the kubeconfig's current one. */
  readonly context?: string;
  readonly kube: KubeClient;
  /** The name of the pod that answers a pod of this cluster at a URL. Error: why nobody does, so far. */
  readonly whoAnswers: (url: URL) => Promise<string>;
  /** What /metrics of a pod says. */
  readonly metricsOf: (pod: Pod, port: number) => Promise<string>;
}

/** How members reach the hub. */
export interface HubPlace {
  /** `host:port`; undefined: the load balancer's, as soon as there is one. */
  readonly address?: string;
  /** Of the nodes, where the hub is behind one. */
  readonly nodePort?: number;
}

export interface TwoClusters {
  /** Hub, member and exporter. */
  readonly east: LineCluster;
  /** Member and importer. */
  readonly west: LineCluster;
  readonly hub: HubPlace;
  /** What nodes pull. */
  readonly image: string;
  /** For gateways and node agents, where pods do not reach each other; undefined: they do. */
  readonly netImage?: string;
  /** How long anything may take before it counts as never. */
  readonly patienceMs: number;
  /** What the cluster's DNS needs beside the lines. */
  readonly wireDns: (cluster: LineCluster) => Promise<void>;
  /** Takes away all that is not the program's. */
  readonly close: () => Promise<void>;
}

/** Pods of one of our processes. */
export async function podsOf(
  { kube }: LineCluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const query = { namespace, labelSelector: `app.kubernetes.io/name=${name}` };
  return must(await kube.list<Pod>(PODS, query, { signal })).items;
}

import type { KubeObject } from "../../api/kube/object.ts";
import { containerOf, volumesOf } from "./container.ts";
import { type Container, labelsOf, selectorOf } from "./piece-words.ts";

/** One process of ours that runs anywhere in a cluster, as far as such processes differ. */
export interface Process extends Container {
  readonly replicas: number;
  /** How long it may take to stop. @default 30, which is Kubernetes' own */
  readonly stopSeconds?: number;
  /** Of its pods, beside those that every process has. */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/** The user of the image: nobody. */
const USER = 65_532;

/** A Deployment that runs as nobody, on a file system it may not write to, with no powers. */
export function deploymentOf(process: Process): KubeObject & { readonly spec: object } {
  const { name, namespace, replicas, podLabels = {} } = process;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name, labels: labelsOf(name) },
    spec: {
      replicas,
      selector: { matchLabels: selectorOf(name) },
      // One more before one less: a member's DNS and leader are never away.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels: { ...labelsOf(name), ...podLabels } }, spec: podOf(process) },
    },
  };
}

function podOf(process: Process): object {
  const { name, stopSeconds } = process;
  return {
    serviceAccountName: name,
    ...(stopSeconds === undefined ? {} : { terminationGracePeriodSeconds: stopSeconds }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selectorOf(name) },
      },
    ],
    containers: [containerOf(process, [])],
    volumes: volumesOf(process),
  };
}

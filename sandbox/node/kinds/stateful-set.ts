import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { PodTemplate } from "./deployment.ts";

export const STATEFUL_SETS: Resource = {
  group: "apps",
  version: "v1",
  plural: "statefulsets",
  kind: "StatefulSet",
  namespaced: true,
};

export interface StatefulSetStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly currentReplicas?: number;
  readonly updatedReplicas?: number;
  readonly currentRevision?: string;
  readonly updateRevision?: string;
}

export interface StatefulSet extends KubeObject {
  readonly spec: {
    /** @default 1 */
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly serviceName?: string;
    /** @default "OrderedReady" */
    readonly podManagementPolicy?: string;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number };
    };
    readonly ordinals?: { readonly start?: number };
    readonly template: PodTemplate;
  };
  readonly status?: StatefulSetStatus;
}

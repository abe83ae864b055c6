import type { Condition } from "../../../api/kube/condition.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import type { Protocol } from "../../../api/kube/service.ts";

export { PODS } from "../../../api/kube/pod.ts";

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: Protocol;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly ContainerPort[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName?: string; readonly optional?: boolean };
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly nodeName?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly terminationGracePeriodSeconds?: number;
}

export type PodCondition = Omit<Condition, "reason" | "message"> & {
  readonly reason?: string;
  readonly message?: string;
};

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: { readonly running: { readonly startedAt: string } };
}

export interface PodStatus {
  readonly phase?: string;
  readonly conditions?: readonly PodCondition[];
  readonly hostIP?: string;
  readonly hostIPs?: readonly { readonly ip: string }[];
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime?: string;
  readonly containerStatuses?: readonly ContainerStatus[];
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

/** The pod's addresses, primary first, as its status lists them. */
export function podIpsOf(pod: Pod): readonly string[] {
  const listed = (pod.status?.podIPs ?? []).map((entry) => entry.ip);
  if (listed.length > 0) return listed;
  return pod.status?.podIP === undefined ? [] : [pod.status.podIP];
}

/** Condition Ready is True. */
export function isPodReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );
}

/** Being deleted: still serving for its grace period, taking no new place. */
export function isPodTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

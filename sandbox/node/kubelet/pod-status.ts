import { isDeepStrictEqual } from "node:util";
import type { Pod, PodCondition, PodStatus } from "../kinds/pod.ts";

/** Set to "false" to make a pod not ready. */
export const READY_ANNOTATION = "sandbox.isthmus.dev/ready";

export interface RunningFacts {
  /** Primary first. */
  readonly podIps: readonly string[];
  readonly hostIp: string;
  /** RFC 3339, seconds. */
  readonly now: string;
}

/** The status of a pod whose servers run. Times and transitions of the present status are kept. */
export function derivePodStatus(pod: Pod, facts: RunningFacts): PodStatus {
  const isReady = pod.metadata.annotations?.[READY_ANNOTATION] !== "false";
  const startTime = pod.status?.startTime ?? facts.now;
  const startedAt = pod.status?.containerStatuses?.[0]?.state.running?.startedAt ?? facts.now;
  const [podIP] = facts.podIps;
  return {
    phase: "Running",
    startTime,
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    ...(podIP === undefined ? {} : { podIP }),
    podIPs: facts.podIps.map((ip) => ({ ip })),
    conditions: conditionsOf(pod, isReady, facts.now),
    containerStatuses: pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image ?? "",
      imageID: `sandbox://${container.image ?? ""}`,
      containerID: `sandbox://${pod.metadata.uid ?? ""}/${container.name}`,
      ready: isReady,
      started: true,
      restartCount: 0,
      state: { running: { startedAt } },
    })),
  };
}

/** True when writing `desired` would change nothing (I9). */
export function isStatusCurrent(pod: Pod, desired: PodStatus): boolean {
  const present: Readonly<Record<string, unknown>> = { ...pod.status };
  return Object.entries(desired).every(([field, value]) =>
    isDeepStrictEqual(present[field], value),
  );
}

/** Conditions of other writers stay behind ours. */
function conditionsOf(pod: Pod, isReady: boolean, now: string): readonly PodCondition[] {
  const unready = {
    reason: "ReadinessAnnotation",
    message: `annotation ${READY_ANNOTATION} is "false"`,
  };
  const ours = [
    condition("PodReadyToStartContainers", true),
    condition("Initialized", true),
    condition("Ready", isReady, unready),
    condition("ContainersReady", isReady, unready),
    condition("PodScheduled", true),
  ];
  const present = pod.status?.conditions ?? [];
  const foreign = present.filter(({ type }) => !ours.some((candidate) => candidate.type === type));
  const stamped = ours.map((next) => {
    const before = present.find(({ type }) => type === next.type);
    const kept = before?.status === next.status ? before.lastTransitionTime : now;
    return { ...next, lastTransitionTime: kept };
  });
  return [...stamped, ...foreign];
}

function condition(
  type: string,
  isTrue: boolean,
  whenFalse: { readonly reason?: string; readonly message?: string } = {},
): Omit<PodCondition, "lastTransitionTime"> {
  return { type, status: isTrue ? "True" : "False", ...(isTrue ? {} : whenFalse) };
}

import type { Deployment } from "../kinds/deployment.ts";
import { isPodReady, isPodTerminating, type Pod } from "../kinds/pod.ts";
import { isOver } from "./workload-kind.ts";

/** The label that tells a Deployment's generations of pods apart. */
export const TEMPLATE_HASH_LABEL = "pod-template-hash";

export interface RolloutPlan {
  /** Pods of the present template to create. */
  readonly create: number;
  readonly remove: readonly Pod[];
}

/**
 * The next step from the pods there are to `replicas` pods of the present template, with the rules of
 * upstream's Deployment controller: never more than maxSurge above, never more than maxUnavailable below.
 */
export function planRollout(
  deployment: Deployment,
  pods: readonly Pod[],
  templateHash: string,
): RolloutPlan {
  const replicas = deployment.spec.replicas ?? 1;
  const live = pods.filter((pod) => !isPodTerminating(pod) && !isOver(pod));
  const current = live.filter((pod) => hashOf(pod) === templateHash);
  const old = live.filter((pod) => hashOf(pod) !== templateHash);
  const finished = pods.filter((pod) => isOver(pod) && !isPodTerminating(pod));
  const excess = leastUseful(current).slice(0, Math.max(0, current.length - replicas));
  const missing = Math.max(0, replicas - current.length);
  if (deployment.spec.strategy?.type === "Recreate") {
    // Everything old is gone, not only going, before anything new comes.
    const isClear = pods.every((pod) => hashOf(pod) === templateHash || isOver(pod));
    return { create: isClear ? missing : 0, remove: [...old, ...excess, ...finished] };
  }
  const limits = rolloutLimits(deployment);
  const room = replicas + limits.maxSurge - live.length;
  const removable = removableOld(old, live, replicas - limits.maxUnavailable);
  return {
    create: Math.max(0, Math.min(missing, room)),
    remove: [...removable, ...excess, ...finished],
  };
}

/** Absolute numbers; upstream rounds the surge up and the unavailable down, and never lets both be zero. */
export function rolloutLimits(deployment: Deployment): {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
} {
  const replicas = deployment.spec.replicas ?? 1;
  const { maxSurge = "25%", maxUnavailable = "25%" } =
    deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, replicas, Math.ceil);
  const unavailable = scaled(maxUnavailable, replicas, Math.floor);
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}

export function hashOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[TEMPLATE_HASH_LABEL];
}

/** Old pods that are not ready go at once; ready ones as far as enough ready ones remain. */
function removableOld(
  old: readonly Pod[],
  live: readonly Pod[],
  minAvailable: number,
): readonly Pod[] {
  const unready = old.filter((pod) => !isPodReady(pod));
  const spare = Math.max(0, live.filter(isPodReady).length - minAvailable);
  return [...unready, ...leastUseful(old.filter(isPodReady)).slice(0, spare)];
}

/** Not ready before ready, then the youngest: what upstream gives up first. */
function leastUseful(pods: readonly Pod[]): readonly Pod[] {
  const ageOf = (pod: Pod): string => pod.metadata.creationTimestamp ?? "";
  return [...pods].sort(
    (a, b) =>
      Number(isPodReady(a)) - Number(isPodReady(b)) ||
      (ageOf(b) < ageOf(a) ? -1 : ageOf(b) > ageOf(a) ? 1 : 0) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}

function scaled(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  const percent = Number.parseInt(value, 10);
  return Number.isNaN(percent) ? 0 : round((percent * of) / 100);
}

import type { KubeObject } from "../../api/kube/object.ts";
import type { ControllersLine } from "../status/member-report.ts";
import { controllersProblems } from "../status/report-problems.ts";

/** What of a Deployment or a DaemonSet says how many of its pods are ready. */
export type Workload = KubeObject & {
  readonly status?: {
    readonly observedGeneration?: number;
    /** Of a Deployment. */
    readonly availableReplicas?: number;
    readonly updatedReplicas?: number;
    /** Of a DaemonSet. */
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberReady?: number;
  };
};

/**
 * What keeps a member that was installed from being ready, first things first; empty: nothing. One ready pod of a Deployment does
 * its whole work; of a DaemonSet each node's does.
 *
 * @param controllers undefined: none were installed
 */
export function memberProblems(
  workloads: readonly Workload[],
  controllers: ControllersLine | undefined,
): readonly string[] {
  return [
    ...workloads.flatMap(workloadProblem),
    ...(controllers === undefined ? [] : controllersProblems(controllers)),
  ];
}

function workloadProblem({ kind, metadata, status = {} }: Workload): readonly string[] {
  const what = `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1)) {
    return [`${what} was looked at by nobody yet`];
  }
  if (kind === "Deployment") {
    const isNew = (status.updatedReplicas ?? 0) > 0;
    return isNew && (status.availableReplicas ?? 0) > 0 ? [] : [`${what} has no pod that is ready`];
  }
  const wanted = status.desiredNumberScheduled ?? 0;
  const ready = Math.min(status.updatedNumberScheduled ?? 0, status.numberReady ?? 0);
  return ready >= wanted ? [] : [`${what} is ready on ${ready} of ${wanted} nodes`];
}

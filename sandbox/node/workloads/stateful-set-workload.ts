import { isDeepStrictEqual } from "node:util";
import { isPodReady, isPodTerminating, type Pod } from "../kinds/pod.ts";
import { STATEFUL_SETS, type StatefulSet, type StatefulSetStatus } from "../kinds/stateful-set.ts";
import { planStatefulSet, podName, REVISION_LABEL } from "./plan-stateful-set.ts";
import { podOf, type WorkloadKind } from "./workload-kind.ts";

/** StatefulSets to Pods: each with its number, and a host name under `serviceName` (EXP-15, headless Services). */
export const STATEFUL_SET_WORKLOAD: WorkloadKind<StatefulSet> = {
  resource: STATEFUL_SETS,
  step: (set, pods, hash) => {
    const revision = revisionOf(set, hash);
    const { create, remove } = planStatefulSet(set, pods, revision);
    return { create: create.map((ordinal) => numberedPod(set, ordinal, revision)), remove };
  },
  status: (set, pods, hash) => {
    const status = deriveStatefulSetStatus(set, pods, revisionOf(set, hash));
    const present: Readonly<Record<string, unknown>> = { ...set.status };
    const isCurrent = Object.entries(status).every(([name, value]) =>
      isDeepStrictEqual(present[name] ?? 0, value),
    );
    return isCurrent ? undefined : status;
  },
};

/** What `kubectl rollout status` reads: once all pods are of the update revision, it is the current one. */
export function deriveStatefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revision: string,
): StatefulSetStatus {
  const { replicas = 1 } = set.spec;
  const { generation } = set.metadata;
  const live = pods.filter((pod) => !isPodTerminating(pod));
  const ready = live.filter(isPodReady).length;
  const updated = live.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision);
  const isComplete = updated.length === replicas && updated.every(isPodReady);
  const current = isComplete ? revision : (set.status?.currentRevision ?? revision);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    replicas: live.length,
    readyReplicas: ready,
    availableReplicas: ready,
    updatedReplicas: updated.length,
    currentReplicas: live.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === current).length,
    currentRevision: current,
    updateRevision: revision,
  };
}

function revisionOf(set: StatefulSet, hash: string): string {
  return `${set.metadata.name}-${hash}`;
}

function numberedPod(set: StatefulSet, ordinal: number, revision: string): Pod {
  const name = podName(set, ordinal);
  const labels = {
    [REVISION_LABEL]: revision,
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": String(ordinal),
  };
  const pod = podOf(STATEFUL_SET_WORKLOAD, set, { name, labels });
  const { serviceName = "" } = set.spec;
  return {
    ...pod,
    spec: { ...pod.spec, hostname: name, ...(serviceName !== "" && { subdomain: serviceName }) },
  };
}

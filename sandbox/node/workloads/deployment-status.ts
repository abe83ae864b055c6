import { isDeepStrictEqual } from "node:util";
import type { Deployment, DeploymentCondition, DeploymentStatus } from "../kinds/deployment.ts";
import { isPodReady, isPodTerminating, type Pod } from "../kinds/pod.ts";
import { hashOf, rolloutLimits } from "./plan-rollout.ts";

/** What `kubectl rollout status` and `kubectl wait` read. */
export function deriveDeploymentStatus(
  deployment: Deployment,
  pods: readonly Pod[],
  templateHash: string,
  now: string,
): DeploymentStatus {
  const desired = deployment.spec.replicas ?? 1;
  const live = pods.filter((pod) => !isPodTerminating(pod));
  const ready = live.filter(isPodReady).length;
  const updated = live.filter((pod) => hashOf(pod) === templateHash);
  const isComplete = updated.length === desired && live.length === desired && ready === desired;
  const isAvailable = ready >= desired - rolloutLimits(deployment).maxUnavailable;
  const { generation } = deployment.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    replicas: live.length,
    updatedReplicas: updated.length,
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, desired - ready),
    conditions: [
      stamp(deployment, isAvailable ? AVAILABLE : UNAVAILABLE, now),
      stamp(deployment, isComplete ? COMPLETE : PROGRESSING, now),
    ],
  };
}

/** True when writing `desired` would change nothing (I9). Absent counts are zero: the API leaves zeros out. */
export function isDeploymentStatusCurrent(
  deployment: Deployment,
  desired: DeploymentStatus,
): boolean {
  const present: Readonly<Record<string, unknown>> = { ...deployment.status };
  return Object.entries(desired).every(([field, value]) =>
    isDeepStrictEqual(present[field] ?? 0, value),
  );
}

type Verdict = Pick<DeploymentCondition, "type" | "status" | "reason" | "message">;

const AVAILABLE: Verdict = {
  type: "Available",
  status: "True",
  reason: "MinimumReplicasAvailable",
  message: "Deployment has minimum availability.",
};
const UNAVAILABLE: Verdict = {
  type: "Available",
  status: "False",
  reason: "MinimumReplicasUnavailable",
  message: "Deployment does not have minimum availability.",
};
const COMPLETE: Verdict = {
  type: "Progressing",
  status: "True",
  reason: "NewReplicaSetAvailable",
  message: "Pods of the present template are all available.",
};
const PROGRESSING: Verdict = {
  type: "Progressing",
  status: "True",
  reason: "ReplicaSetUpdated",
  message: "Pods of the present template are being rolled out.",
};

function stamp(deployment: Deployment, verdict: Verdict, now: string): DeploymentCondition {
  const before = deployment.status?.conditions?.find(({ type }) => type === verdict.type);
  const isSame = before?.status === verdict.status && before.reason === verdict.reason;
  return {
    ...verdict,
    lastUpdateTime: isSame ? before.lastUpdateTime : now,
    lastTransitionTime: before?.status === verdict.status ? before.lastTransitionTime : now,
  };
}

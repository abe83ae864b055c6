import { DEPLOYMENTS } from "../../../api/kube/deployment.ts";
import type { Deployment } from "../kinds/deployment.ts";
import { nameSuffix } from "../name-suffix.ts";
import { deriveDeploymentStatus, isDeploymentStatusCurrent } from "./deployment-status.ts";
import { planRollout, TEMPLATE_HASH_LABEL } from "./plan-rollout.ts";
import { podOf, type WorkloadKind } from "./workload-kind.ts";

/** A pod name has at most 253 characters; hash, suffix and two dashes take 17. */
const MAX_BASE = 236;

/** Deployments to Pods, without ReplicaSets in between. A paused one is left as it is. */
export const DEPLOYMENT_WORKLOAD: WorkloadKind<Deployment> = {
  resource: DEPLOYMENTS,
  step: (deployment, pods, hash, random) => {
    if (deployment.spec.paused === true) return { create: [], remove: [] };
    const { create, remove } = planRollout(deployment, pods, hash);
    const base = `${deployment.metadata.name.slice(0, MAX_BASE)}-${hash}`;
    const labels = { [TEMPLATE_HASH_LABEL]: hash };
    const newPod = () => {
      const name = `${base}-${nameSuffix(random)}`;
      return podOf(DEPLOYMENT_WORKLOAD, deployment, { name, labels });
    };
    return { create: Array.from({ length: create }, newPod), remove };
  },
  status: (deployment, pods, hash, now) => {
    const status = deriveDeploymentStatus(deployment, pods, hash, now);
    return isDeploymentStatusCurrent(deployment, status) ? undefined : status;
  },
};

import type { KubeObject } from "../../api/kube/object.ts";
import { PODS, type PodPlace, slimPod } from "../../api/kube/pod.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { SLICES } from "../../api/network/resources.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { ifInstalled } from "../process/if-installed.ts";
import type { MemberProcess } from "../process/member-process.ts";

/** Slice objects as controllers have written them, and who may be in them. */
export function sliceReflectors(deps: MemberProcess["deps"]) {
  const scopes = new Reflector<KubeObject>(
    { resource: SLICES, labelSelector: `${LABEL_MANAGED_BY}=${MANAGED_BY}` },
    deps,
  );
  const pods = new Reflector<PodPlace>({ resource: PODS, project: slimPod }, deps);
  return {
    scopes,
    /** What others wait for: a cluster without the kind has no slices. */
    known: ifInstalled(scopes, deps),
    pods,
    /** Pods of a whole cluster are many: they are listed once there is a slice, and from then on. */
    followPods: (signal: AbortSignal): void => {
      let isStarted = false;
      const look = (): void => {
        if (isStarted || scopes.view.size === 0) return;
        isStarted = true;
        pods.start(signal);
      };
      scopes.view.subscribe(look);
      look();
    },
  };
}

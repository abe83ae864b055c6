import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { SERVICE_NAME_LABEL } from "../network/proxy/forwarding-table.ts";
import type { Deployment } from "./kinds/deployment.ts";
import { PODS, type Pod } from "./kinds/pod.ts";
import { STATEFUL_SETS, type StatefulSet } from "./kinds/stateful-set.ts";

/** Pictures of the member's API server that the node's parts share. */
export interface MemberViews {
  readonly pods: ObjectView<Pod>;
  readonly services: ObjectView<Service>;
  /** With the index `SLICES_BY_SERVICE`. */
  readonly endpointSlices: ObjectView<EndpointSlice>;
  readonly deployments: ObjectView<Deployment>;
  readonly statefulSets: ObjectView<StatefulSet>;
}

/** `namespace/name` of the Service that a slice names by label, whoever manages it. */
export const SLICES_BY_SERVICE = "service";

export const sliceIndexes = {
  [SLICES_BY_SERVICE]: (slice: EndpointSlice): readonly string[] => {
    const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    return name === undefined ? [] : [`${slice.metadata.namespace ?? ""}/${name}`];
  },
};

/** The views, fed until the signal aborts. */
export function startMemberViews(
  deps: {
    readonly kube: Pick<KubeClient, "list" | "watch">;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly meter: Meter;
  },
  signal: AbortSignal,
): MemberViews & { readonly stopped: () => Promise<void> } {
  const reflect = { ...deps, client: deps.kube };
  const pods = new Reflector<Pod>({ resource: PODS }, reflect);
  const services = new Reflector<Service>({ resource: SERVICES }, reflect);
  const slices = new Reflector<EndpointSlice>(
    { resource: ENDPOINT_SLICES, indexes: sliceIndexes },
    reflect,
  );
  const deployments = new Reflector<Deployment>({ resource: DEPLOYMENTS }, reflect);
  const statefulSets = new Reflector<StatefulSet>({ resource: STATEFUL_SETS }, reflect);
  const all = [pods, services, slices, deployments, statefulSets];
  for (const reflector of all) reflector.start(signal);
  return {
    pods: pods.view,
    services: services.view,
    endpointSlices: slices.view,
    deployments: deployments.view,
    statefulSets: statefulSets.view,
    stopped: async () => {
      await Promise.all(all.map((reflector) => reflector.stopped()));
    },
  };
}

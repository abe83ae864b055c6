import type { RowPort } from "../../../api/broker/row.ts";
import type { OwnerReference } from "../../../api/kube/object.ts";
import type { IpFamily, Service, ServicePort } from "../../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../../api/mcs/labels.ts";
import { slicePortName } from "../../../api/mcs/slice-port-name.ts";
import type { MergedService } from "../../merge/merge-exports.ts";
import { derivedServiceName } from "./derived-service-name.ts";

/**
 * The selector-less Service whose ClusterIP is the clusterset IP, so that any kube-proxy carries it
 * (VIP-12, VIP-13). A headless import gets a headless one: its slices then have a Service name of their
 * own (EPS-16).
 * @param families what this cluster can route, in the import's order; at least one.
 */
export function deriveDerivedService(
  merged: MergedService,
  families: readonly IpFamily[],
  owner: OwnerReference,
): Service {
  const headless = merged.type === "Headless";
  const timeout = merged.sessionAffinityTimeoutSeconds;
  const affine = !headless && merged.sessionAffinity === "ClientIP";
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      namespace: merged.namespace,
      name: derivedServiceName(merged.namespace, merged.name),
      labels: { [LABEL_MANAGED_BY]: MANAGED_BY },
      ownerReferences: [owner],
    },
    spec: {
      type: "ClusterIP",
      ...(headless ? { clusterIP: "None" } : {}),
      ipFamilies: families,
      ipFamilyPolicy: families.length > 1 ? "PreferDualStack" : "SingleStack",
      ...(merged.ports.length === 0 ? {} : { ports: servicePorts(merged.ports) }),
      sessionAffinity: headless ? "None" : merged.sessionAffinity,
      ...(affine && timeout !== undefined
        ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: timeout } } }
        : {}),
      // Said even when the winner is an older peer that does not: the value of an earlier winner must not stay.
      ...(headless ? {} : { internalTrafficPolicy: merged.internalTrafficPolicy ?? "Cluster" }),
      ...(merged.trafficDistribution === undefined
        ? {}
        : { trafficDistribution: merged.trafficDistribution }),
    },
  };
}

function servicePorts(ports: readonly RowPort[]): readonly ServicePort[] {
  return ports.map((port) => {
    const name = slicePortName(port, ports);
    return {
      ...(name === "" ? {} : { name }),
      protocol: port.protocol,
      port: port.port,
      // Said, not left to the default: a number edited in place must move its target along.
      targetPort: port.port,
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    };
  });
}

/**
 * A ClusterIP cannot become headless or the reverse: the Service must be made anew (IMP-31). Nor can a first family
 * change; a headless Service has no address to lose by it.
 */
export function mustRecreate(observed: Service, desired: Service): boolean {
  const wasHeadless = observed.spec.clusterIP === "None";
  if (wasHeadless !== (desired.spec.clusterIP === "None")) return true;
  return wasHeadless && observed.spec.ipFamilies?.[0] !== desired.spec.ipFamilies?.[0];
}

import type { Endpoint, EndpointPort } from "../../../api/kube/endpoint-slice.ts";
import type { IpFamily, Service, ServicePort } from "../../../api/kube/service.ts";
import { parseIpAddress } from "../../../api/network/ip-address.ts";
import { isPodReady, isPodTerminating, type Pod, podIpsOf } from "../kinds/pod.ts";

/** Endpoints of one family that share one set of ports: what one or more slices must hold between them. */
export interface EndpointGroup {
  readonly addressType: IpFamily;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface NodeFacts {
  /** Zone of a node; undefined when it has none. */
  readonly zoneOf: (nodeName: string) => string | undefined;
}

/** True for Services whose slices this controller writes; the others' are written by hand, or not at all. */
export function hasManagedSlices(service: Service): boolean {
  const { selector, type } = service.spec;
  return type !== "ExternalName" && selector !== undefined && Object.keys(selector).length > 0;
}

export function selects(service: Service, pod: Pod): boolean {
  const labels = pod.metadata.labels ?? {};
  return (
    service.metadata.namespace === pod.metadata.namespace &&
    Object.entries(service.spec.selector ?? {}).every(([name, value]) => labels[name] === value)
  );
}

/**
 * What kube-controller-manager would put in the slices of a Service with a selector. Named target ports
 * may differ from pod to pod, so one Service may need several groups of a family.
 */
export function deriveEndpointGroups(
  service: Service,
  pods: readonly Pod[],
  nodes: NodeFacts,
): readonly EndpointGroup[] {
  const families = service.spec.ipFamilies ?? ["IPv4"];
  const groups = new Map<string, EndpointGroup & { readonly endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (!selects(service, pod) || isFinished(pod)) continue;
    const ports = portsOf(service, pod);
    for (const addressType of families) {
      const address = addressOf(pod, addressType);
      if (address === undefined) continue;
      const key = groupKey(addressType, ports);
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address, nodes));
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

/** Slices with the same key can share endpoints; the order of ports does not matter. */
export function groupKey(addressType: string, ports: readonly EndpointPort[]): string {
  const parts = ports.map((port) =>
    JSON.stringify([port.name ?? "", port.protocol ?? "TCP", port.port, port.appProtocol]),
  );
  return `${addressType} ${parts.sort().join()}`;
}

function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

function addressOf(pod: Pod, family: IpFamily): string | undefined {
  return podIpsOf(pod).find((ip) => {
    const parsed = parseIpAddress(ip);
    return parsed.ok && parsed.value.family === family;
  });
}

function endpointOf(service: Service, pod: Pod, address: string, nodes: NodeFacts): Endpoint {
  const serving = isPodReady(pod);
  const terminating = isPodTerminating(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { hostname = "", subdomain, nodeName } = pod.spec;
  const zone = nodeName === undefined ? undefined : nodes.zoneOf(nodeName);
  const { namespace, name, uid } = pod.metadata;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname !== "" && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: {
      kind: "Pod",
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

/** A port that the pod cannot give a number for is left out, for that pod only. */
function portsOf(service: Service, pod: Pod): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetNumber(port, pod);
    if (number === undefined) return [];
    const { appProtocol } = port;
    return [
      {
        name: port.name ?? "",
        protocol: port.protocol ?? "TCP",
        port: number,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      },
    ];
  });
}

function targetNumber(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  return pod.spec.containers
    .flatMap((container) => container.ports ?? [])
    .find(
      (candidate) =>
        candidate.name === target && (candidate.protocol ?? "TCP") === (port.protocol ?? "TCP"),
    )?.containerPort;
}

import type { Endpoint, EndpointPort, EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { IpFamily, Protocol, Service, ServicePort } from "../../../api/kube/service.ts";
import { parseIpAddress } from "../../../api/network/ip-address.ts";
import { canonicalIp } from "../canonical-ip.ts";
import type { Destination } from "../dialer.ts";

/** What kube-proxy would program for a set of Services and EndpointSlices. */
export interface ForwardingTable {
  /** By `forwardingKey`. BOUNDED: by the Services' ports times their ClusterIPs. */
  readonly ports: ReadonlyMap<string, ForwardedPort>;
  /** Every ClusterIP, so that a port without a Service port is refused rather than unreachable. */
  readonly clusterIps: ReadonlySet<string>;
}

/** One (ClusterIP, protocol, port). */
export interface ForwardedPort {
  readonly key: string;
  /** `namespace/name:portName`, for people. */
  readonly name: string;
  readonly endpoints: readonly Destination[];
  /** Set for sessionAffinity ClientIP. */
  readonly affinityTimeoutMs?: number;
}

/** KEP-2433 and kube-proxy's --node-name: what "Local" is local to. */
export interface ProxyNode {
  readonly nodeName: string;
}

const HEADLESS_LABEL = "service.kubernetes.io/headless";
const OTHER_PROXY_LABEL = "service.kubernetes.io/service-proxy-name";
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
const DEFAULT_AFFINITY_SECONDS = 10_800;

export function forwardingKey(ip: string, protocol: Protocol, port: number): string {
  return `${protocol} ${canonicalIp(ip) ?? ip} ${port}`;
}

/**
 * kube-proxy's rules (EPS-14, EPS-15): a slice belongs to the Service named by its label, in its namespace;
 * Service port and slice port meet by name and protocol, and the number comes from the slice.
 */
export function deriveForwardingTable(
  services: Iterable<Service>,
  slices: Iterable<EndpointSlice>,
  node: ProxyNode,
): ForwardingTable {
  const byService = groupByService(slices);
  const ports = new Map<string, ForwardedPort>();
  const clusterIps = new Set<string>();
  for (const service of services) {
    if (isIgnored(service.metadata.labels)) continue;
    const own = byService.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [];
    for (const ip of clusterIpsOf(service)) {
      clusterIps.add(ip);
      for (const port of service.spec.ports ?? []) {
        const forwarded = forwardPort(service, ip, port, own, node);
        ports.set(forwarded.key, forwarded);
      }
    }
  }
  return { ports, clusterIps };
}

/** The addresses of a Service that are load balanced; none for headless and ExternalName. */
export function clusterIpsOf(service: Service): readonly string[] {
  if (service.spec.type === "ExternalName") return [];
  const { clusterIP, clusterIPs } = service.spec;
  const listed = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return listed.flatMap((ip) => canonicalIp(ip) ?? []);
}

function groupByService(
  slices: Iterable<EndpointSlice>,
): ReadonlyMap<string, readonly EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    if (name === undefined || name === "" || isIgnored(slice.metadata.labels)) continue;
    const key = `${slice.metadata.namespace}/${name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

function isIgnored(labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels?.[HEADLESS_LABEL] !== undefined || labels?.[OTHER_PROXY_LABEL] !== undefined;
}

function forwardPort(
  service: Service,
  ip: string,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  node: ProxyNode,
): ForwardedPort {
  const protocol = port.protocol ?? "TCP";
  const parsed = parseIpAddress(ip);
  const family = parsed.ok ? parsed.value.family : "IPv4";
  const candidates = candidatesOf(slices, port.name ?? "", protocol, family);
  const isLocalOnly = service.spec.internalTrafficPolicy === "Local";
  const eligible = isLocalOnly
    ? candidates.filter((candidate) => candidate.endpoint.nodeName === node.nodeName)
    : candidates;
  const affinity = affinityTimeoutMs(service);
  return {
    key: forwardingKey(ip, protocol, port.port),
    name: `${service.metadata.namespace}/${service.metadata.name}:${port.name ?? ""}`,
    endpoints: usableEndpoints(eligible),
    ...(affinity === undefined ? {} : { affinityTimeoutMs: affinity }),
  };
}

interface Candidate {
  readonly endpoint: Endpoint;
  readonly destination: Destination;
}

function candidatesOf(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol: Protocol,
  family: IpFamily,
): readonly Candidate[] {
  return slices
    .filter((slice) => slice.addressType === family)
    .flatMap((slice) => {
      const numbers = matchingPorts(slice.ports ?? [], portName, protocol);
      return (slice.endpoints ?? []).flatMap((endpoint) => {
        // discovery/v1: the addresses of one endpoint are fungible; kube-proxy takes the first.
        const ip = canonicalIp(endpoint.addresses[0] ?? "");
        if (ip === undefined) return [];
        return numbers.map((port) => ({ endpoint, destination: { ip, port } }));
      });
    });
}

function matchingPorts(
  ports: readonly EndpointPort[],
  name: string,
  protocol: Protocol,
): readonly number[] {
  return ports
    .filter((port) => (port.name ?? "") === name && (port.protocol ?? "TCP") === protocol)
    .flatMap((port) => (port.port === undefined || port.port === 0 ? [] : [port.port]));
}

/** Ready endpoints; with none, those that terminate but still serve (KEP-1669). In a stable order, each once. */
function usableEndpoints(candidates: readonly Candidate[]): readonly Destination[] {
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const draining = candidates.filter(
    ({ endpoint }) => isServing(endpoint) && endpoint.conditions?.terminating === true,
  );
  const chosen = ready.length > 0 ? ready : draining;
  const unique = new Map(chosen.map(({ destination }) => [endpointKey(destination), destination]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
}

/** discovery/v1: an absent `serving` stands for `ready`, an absent `ready` for true. */
function isServing(endpoint: Endpoint): boolean {
  return endpoint.conditions?.serving ?? endpoint.conditions?.ready ?? true;
}

export function endpointKey(destination: Destination): string {
  return `${destination.ip} ${destination.port}`;
}

function affinityTimeoutMs(service: Service): number | undefined {
  if (service.spec.sessionAffinity !== "ClientIP") return undefined;
  const config = service.spec.sessionAffinityConfig?.clientIP;
  return (config?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * 1000;
}

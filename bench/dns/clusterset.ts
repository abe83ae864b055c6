import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { aNamespace, anImport, aSlice, port } from "../../dns-server/testing/objects.ts";

/** 10,000 services with a clusterset IP and 1,000 headless ones with 100 endpoints each, in 100 namespaces. */
const NAMESPACES = 100;
export const CLUSTER_SET_IP_SERVICES = 10_000;
export const HEADLESS_SERVICES = 1000;
export const ENDPOINTS_PER_HEADLESS = 100;

export interface Clusterset {
  readonly namespaces: readonly Namespace[];
  readonly imports: readonly ServiceImport[];
  readonly slices: readonly EndpointSlice[];
}

export const ipKey = (index: number): string => `ns-${index % NAMESPACES}/svc-${index}`;
export const headlessKey = (index: number): string => `ns-${index % NAMESPACES}/db-${index}`;

const PORTS = [port("http", 80), port("grpc", 9090)];

export function makeClusterset(): Clusterset {
  const ipImports = count(CLUSTER_SET_IP_SERVICES).map((index) =>
    anImport({ key: ipKey(index), ports: PORTS, ips: [clusterSetIp(index, 0)] }),
  );
  const headlessImports = count(HEADLESS_SERVICES).map((index) =>
    anImport({ key: headlessKey(index), ports: PORTS, isHeadless: true }),
  );
  return {
    namespaces: count(NAMESPACES).map((index) => aNamespace(`ns-${index}`)),
    imports: [...ipImports, ...headlessImports],
    slices: count(HEADLESS_SERVICES).map((index) => headlessSlice(index, 0)),
  };
}

/** `round` moves it, so that a change can be seen in the answers. */
export function clusterSetIp(index: number, round: number): string {
  return `10.${96 + (round % 2)}.${index >> 8}.${index & 255}`;
}

/** `round` moves the first endpoint, so that a change can be seen in the answers. */
export function headlessSlice(index: number, round: number): EndpointSlice {
  const endpoints = count(ENDPOINTS_PER_HEADLESS).map((endpoint) => {
    const third = endpoint === 0 ? 100 + (round % 149) : endpoint;
    return `10.${index >> 8}.${third}.${index & 255}=pod-${endpoint}`;
  });
  const slice = aSlice({ key: headlessKey(index), endpoints, ports: PORTS });
  const withAllConditions = slice.endpoints?.map((endpoint) => ({
    ...endpoint,
    conditions: { ready: true, serving: true, terminating: false },
  }));
  return { ...slice, endpoints: withAllConditions ?? [] };
}

/** The name whose address `headlessSlice` moves. */
export function movedName(index: number): string {
  return `pod-0.east.${domainOf(headlessKey(index))}`;
}

/**
 * Questions for dnsperf, each once: addresses and ports of the services with an IP, names of single endpoints, and one
 * headless service in five by its bare name, whose 100 addresses are too many for a datagram. `mixed` has a name that
 * does not exist after each of them.
 */
export function makeQuestions(kind: "hits" | "mixed"): readonly string[] {
  const hits = [
    ...count(CLUSTER_SET_IP_SERVICES).flatMap((index) => {
      const domain = domainOf(ipKey(index));
      return [`${domain} A`, index % 4 === 0 ? `_http._tcp.${domain} SRV` : `${domain} A`];
    }),
    ...count(HEADLESS_SERVICES).flatMap((index) => {
      const domain = domainOf(headlessKey(index));
      const pods = count(4).map((pod) => `pod-${(index + pod * 25) % 100}.east.${domain} A`);
      return index % 5 === 0 ? [...pods, `${domain} A`] : pods;
    }),
  ];
  if (kind === "hits") return shuffled(hits);
  const misses = hits.map((_, index) => `${domainOf(`ns-${index % NAMESPACES}/no-${index}`)} A`);
  return shuffled([...hits, ...misses]);
}

function domainOf(key: string): string {
  const [namespace, name] = key.split("/");
  return `${name}.${namespace}.svc.clusterset.local`;
}

function count(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}

/** Always the same order, without neighbours that share a service. */
function shuffled(lines: readonly string[]): readonly string[] {
  const stride = 7919;
  return lines.map((_, index) => lines[(index * stride) % lines.length] ?? "");
}

import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { aNamespace, anImport, aSlice, port } from "../../dns-server/testing/objects.ts";

/** 10,000 services in 100 namespaces, half of them headless with 20 endpoints each: 100,000 endpoints. */
export const NAMESPACES = 100;
export const SERVICES = 10_000;
export const ENDPOINTS_PER_HEADLESS = 20;

export interface Clusterset {
  readonly namespaces: readonly Namespace[];
  readonly imports: readonly ServiceImport[];
  readonly slices: readonly EndpointSlice[];
}

export function serviceKeyOf(index: number): string {
  return `ns-${index % NAMESPACES}/svc-${index}`;
}

export function isHeadless(index: number): boolean {
  return index % 2 === 1;
}

const PORTS = [port("http", 80), port("grpc", 9090)];

export function makeClusterset(): Clusterset {
  const indexes = Array.from({ length: SERVICES }, (_, index) => index);
  return {
    namespaces: Array.from({ length: NAMESPACES }, (_, index) => aNamespace(`ns-${index}`)),
    imports: indexes.map((index) =>
      anImport({
        key: serviceKeyOf(index),
        isHeadless: isHeadless(index),
        ports: PORTS,
        ...(isHeadless(index) ? {} : { ips: [`10.96.${index >> 8}.${index & 255}`] }),
      }),
    ),
    slices: indexes.filter(isHeadless).map((index) => headlessSlice(index, 0)),
  };
}

/** `round` moves the first endpoint, so that a change can be seen in the answers. */
export function headlessSlice(index: number, round: number): EndpointSlice {
  const endpoints = Array.from({ length: ENDPOINTS_PER_HEADLESS }, (_, endpoint) => {
    const first = round === 0 ? 200 : 201 + (round % 50);
    const third = endpoint === 0 ? first : endpoint;
    return `10.${index >> 8}.${third}.${index & 255}=pod-${endpoint}`;
  });
  return aSlice({ key: serviceKeyOf(index), endpoints, ports: PORTS });
}

/** Questions for dnsperf: `hits` only, or one in two of names that do not exist. */
export function makeQuestions(kind: "hits" | "mixed"): string {
  const lines: string[] = [];
  for (let index = 0; index < SERVICES; index++) {
    const [namespace, name] = serviceKeyOf(index).split("/");
    const origin = `${name}.${namespace}.svc.clusterset.local`;
    lines.push(`${origin} ${index % 5 === 4 ? "SRV" : "A"}`);
    if (kind === "mixed") lines.push(`x${index}.${origin} A`);
    else lines.push(isHeadless(index) ? `pod-${index % 20}.east.${origin} A` : `${origin} A`);
  }
  return `${lines.join("\n")}\n`;
}

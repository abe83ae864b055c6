import { parseClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import type { Endpoint, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import { NO_BALANCING, parseBalancing } from "./balancing.ts";
import { chooseEndpoints, type EndpointPolicy, type ReadyEndpoint } from "./choose-endpoints.ts";
import { endpointLabel } from "./endpoint-label.ts";
import { parseIpAddress } from "./ip-address.ts";
import type { ServiceRecords } from "./service-records.ts";
import { ServiceRecordsBuilder } from "./service-records-builder.ts";

// Decides which names and records one imported service has (requirements section 7.2 and 7.3).

export interface ServiceInput {
  readonly key: ServiceKey;
  /** `<service>.<namespace>.svc.<zone>`, lower case, no final dot. */
  readonly origin: string;
  readonly serviceImport: ServiceImport;
  /** Every MCS slice of the service. */
  readonly slices: readonly EndpointSlice[];
  /** Which endpoints of a headless service are named. @default all that are ready */
  readonly policy?: EndpointPolicy;
  /** `hasSpilled` of what was derived for this service before. @default false */
  readonly hadSpilled?: boolean;
}

export interface DerivedService {
  /** Without any name when the service is headless and has no ready endpoint (DNS-22). */
  readonly records: ServiceRecords;
  /** What could not be given a record, and why; one sentence each. */
  readonly problems: readonly string[];
  /** The local cluster, though preferred, does not serve alone: the next derivation wants to know (`local-preference.ts`). */
  readonly hasSpilled: boolean;
}

/** Pure: the same objects in any order give the same records. */
export function deriveServiceRecords(input: ServiceInput): DerivedService {
  const builder = new ServiceRecordsBuilder(input.key, input.origin);
  let hasSpilled = false;
  if (input.serviceImport.spec?.type === "Headless") hasSpilled = addHeadless(builder, input);
  else addClusterSetIp(builder, input.serviceImport);
  return { ...builder.build(), hasSpilled };
}

function addClusterSetIp(builder: ServiceRecordsBuilder, serviceImport: ServiceImport): void {
  const { spec } = serviceImport;
  // An import without an address yet is NODATA, not NXDOMAIN (DNS-16).
  builder.addName("");
  for (const text of spec?.ips ?? []) {
    const address = parseIpAddress(text);
    if (address === undefined) builder.addProblem(`cannot serve address: not an IP: got ${text}`);
    else builder.addAddress("", address);
  }
  for (const port of spec?.ports ?? []) {
    const name = portName(builder, port.name, port.protocol);
    if (name !== undefined) builder.addService(name, { port: port.port, target: "" });
  }
}

/** Whether the local cluster has spilled over to the others. */
function addHeadless(builder: ServiceRecordsBuilder, input: ServiceInput): boolean {
  const health = new Map<string, { ready: number; total: number }>();
  const ready: ReadyEndpoint[] = [];
  // Objects arrive in any order: answers must not depend on it.
  const ordered = input.slices.toSorted((left, right) =>
    left.metadata.name < right.metadata.name ? -1 : 1,
  );
  for (const slice of ordered) {
    const cluster = parseClusterId(slice.metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "");
    if (!cluster.ok) {
      builder.addProblem(`cannot serve slice ${slice.metadata.name}: ${cluster.error}`);
      continue;
    }
    const counts = getOrMake(health, cluster.value, () => ({ ready: 0, total: 0 }));
    for (const endpoint of slice.endpoints ?? []) {
      counts.total++;
      if (!isReady(endpoint)) continue;
      counts.ready++;
      const parsed = parseEndpoint(builder, slice, cluster.value, endpoint);
      if (parsed !== undefined) ready.push(parsed);
    }
  }
  const { policy, hadSpilled } = input;
  const balancing =
    policy?.balancing === undefined
      ? NO_BALANCING
      : parseBalancing(input.serviceImport, (problem) => builder.addProblem(problem));
  const chosen = chooseEndpoints(ready, health, balancing, policy, hadSpilled);
  const { endpoints, shares } = chosen;
  endpoints.forEach((endpoint, index) => addEndpoint(builder, endpoint, shares?.[index]));
  // Whoever names one endpoint means that one, chosen for the crowd or not: members of a StatefulSet find each other.
  for (const { target, address } of ready) builder.addAddress(target, address);
  return chosen.hasSpilled;
}

/** Readiness decides; absent means ready (EPS-17, EPS-18). */
function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false;
}

function parseEndpoint(
  builder: ServiceRecordsBuilder,
  slice: EndpointSlice,
  cluster: string,
  endpoint: Endpoint,
): ReadyEndpoint | undefined {
  // Consumers read only the first address of an endpoint (EPS-11).
  const text = endpoint.addresses[0] ?? "";
  const address = parseIpAddress(text);
  if (address === undefined || address.family !== slice.addressType) {
    builder.addProblem(
      `cannot serve endpoint of slice ${slice.metadata.name}: must be an ${slice.addressType} address: got ${JSON.stringify(text)}`,
    );
    return undefined;
  }
  return {
    cluster,
    target: `${endpointLabel(endpoint.hostname, address)}.${cluster}`,
    address,
    slice,
  };
}

function addEndpoint(
  builder: ServiceRecordsBuilder,
  { target, address, slice }: ReadyEndpoint,
  share: number | undefined,
): void {
  builder.addAddress("", address, share);
  if (!builder.addName(target)) return;
  builder.addAddress(target, address);
  for (const port of slice.ports ?? []) {
    // The slice's port is the one the endpoint listens on: nothing translates it on the way (DNS-24).
    if (port.port === undefined || port.port === null) continue;
    const name = portName(builder, port.name, port.protocol ?? "TCP");
    if (name !== undefined) builder.addService(name, { port: port.port, target }, share);
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** `_http._tcp`; undefined for unnamed ports, which have no SRV (DNS-12). */
function portName(
  builder: ServiceRecordsBuilder,
  name: string | undefined,
  protocol: string,
): string | undefined {
  if (name === undefined || name === null || name === "") return undefined;
  const label = parseDnsLabel("port name", name.toLowerCase());
  if (label.ok && label.value.length < 63) return `_${label.value}._${protocol.toLowerCase()}`;
  builder.addProblem(
    label.ok ? `cannot serve port: _${label.value} exceeds 63 bytes` : label.error,
  );
  return undefined;
}

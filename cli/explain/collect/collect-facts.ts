import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type CustomResourceDefinition,
} from "../../../api/kube/custom-resource-definition.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../../../api/kube/namespace.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import {
  ANNOTATION_DERIVED_SERVICE,
  LABEL_KUBE_SERVICE_NAME,
  LABEL_SERVICE_NAME,
} from "../../../api/mcs/labels.ts";
import { parseServiceExport } from "../../../api/mcs/parse-service-export.ts";
import { parseServiceImport } from "../../../api/mcs/parse-service-import.ts";
import { MCS_GROUP, serviceExports } from "../../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import { SLICES } from "../../../api/network/resources.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { parseSlice } from "../../../api/slices/parse-slice.ts";
import type { Slice } from "../../../api/slices/slice.ts";
import { holdsNamespace } from "../../../api/slices/slice-set.ts";
import { derivedServiceName } from "../../../controllers/import/derived-service/derived-service-name.ts";
import { isOwn } from "../../../controllers/reconcile/is-own.ts";
import { DNS_NAME } from "../../../install/dns-process.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import type { PortForward } from "../../../runtime/kube/port-forward.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { askLiveDns } from "../../ask-dns/ask-live-dns.ts";
import { readDnsPods } from "../../ask-dns/dns-pods.ts";
import type { ClusterReader } from "../../cluster/cluster-reader.ts";
import { observeClusterDns } from "../../cluster-dns/observe-cluster-dns.ts";
import type { DirectEntry } from "../../packet-test/dial.ts";
import { connectionTargets, tryConnections } from "../../packet-test/try-connections.ts";
import { type ControllersReport, controllersReport } from "../../status/controllers-report.ts";
import { peerReport } from "../../status/member-report.ts";
import {
  readControllersLease,
  readMembership,
  readPeerLeases,
  readPeers,
} from "../../status/read-member.ts";
import type { Facts, Looked } from "../facts.ts";
import type { ServiceTarget } from "../service-target.ts";
import { type Entry, NO_ENTRY } from "./entry.ts";
import { askThroughApi, packetsThroughApi, type ThroughApi } from "./through-api.ts";

export interface CollectOptions {
  readonly target: ServiceTarget;
  /** See Facts. */
  readonly client?: string;
  readonly systemNamespace: string;
  readonly zone: string;
  /** How this process reaches addresses of the cluster. */
  readonly entry: Entry;
  /** Where the DNS server is asked, from this machine; absent: at its Service, through the entry. */
  readonly dns?: { readonly host: string; readonly port: number };
}

export interface CollectDeps {
  readonly client: KubeClient;
  readonly reader: ClusterReader;
  readonly forward: PortForward;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Looks at everything once: the API server, the live DNS server, the ports. What cannot be seen is said so. */
export async function collectFacts(options: CollectOptions, deps: CollectDeps): Promise<Facts> {
  const { target, systemNamespace, client } = options;
  const { namespace, name } = target;
  const { reader } = deps;
  const nowMs = deps.clock.nowMs();
  const serviceImport = looked(
    await reader.findMcs<KubeObject>(serviceImports, namespace, name),
    (found) => found && parseServiceImport(found).value,
  );
  const [slices, dnsAddresses, pods, scopes] = await Promise.all([
    reader.list<EndpointSlice>(ENDPOINT_SLICES, { namespace }),
    readDnsAddresses(options, reader),
    readDnsPods(reader, systemNamespace),
    reader.list<KubeObject>(SLICES),
  ]);
  const inSlices = looked(scopes, (all) => all.flatMap(sliceOf));
  const throughApi = {
    namespace: systemNamespace,
    pods: outsideOf(inSlices, namespace) ?? pods,
    hasService: dnsAddresses.ok && options.dns === undefined,
  };
  const own = (label: string, isOurs: boolean) =>
    looked(slices, (all) =>
      all.filter((slice) => slice.metadata.labels?.[label] === name && isOwn(slice) === isOurs),
    );
  const importSlices = own(LABEL_SERVICE_NAME, true);
  const [objects, answers, connections] = await Promise.all([
    readObjects(options, serviceImport, deps, nowMs),
    askDns(options, { serviceImport, dnsAddresses, throughApi }, deps),
    dialPorts(options, { serviceImport, importSlices, throughApi }, deps),
  ]);
  return {
    namespace,
    name,
    ...(client === undefined ? {} : { client }),
    systemNamespace,
    nowMs,
    ...objects,
    serviceImport,
    serviceSlices: own(LABEL_KUBE_SERVICE_NAME, false),
    importSlices,
    slices: inSlices,
    dnsAddresses,
    answers,
    connections,
  };
}

/** The pods of our DNS server are outside of every slice: what they see and reach of one says nothing about its own pods. */
function outsideOf(slices: Facts["slices"], namespace: string): Result<never, string> | undefined {
  if (!slices.ok) return slices;
  const slice = slices.value.find((one) => holdsNamespace(one, namespace));
  return slice === undefined
    ? undefined
    : err(
        `namespace ${namespace} is of slice ${slice.name}, and only its own pods see and reach what is in it: run this in one (--entry here)`,
      );
}

type ReadHere = Omit<
  Facts,
  | keyof ServiceTarget
  | "client"
  | "systemNamespace"
  | "nowMs"
  | "serviceImport"
  | "serviceSlices"
  | "importSlices"
  | "slices"
  | "dnsAddresses"
  | "answers"
  | "connections"
>;

async function readObjects(
  { target: { namespace, name }, systemNamespace }: CollectOptions,
  serviceImport: Looked<ServiceImport | undefined>,
  deps: CollectDeps,
  nowMs: number,
): Promise<ReadHere> {
  const { reader } = deps;
  const derivedName =
    (serviceImport.ok ? serviceImport.value : undefined)?.metadata.annotations?.[
      ANNOTATION_DERIVED_SERVICE
    ] ?? derivedServiceName(namespace, name);
  const [membership, definitions, lease, namespaceObject, service, serviceExport, derived] =
    await Promise.all([
      readMembership(reader),
      readDefinitions(reader),
      readControllersLease(reader, systemNamespace),
      reader.find<Namespace>(NAMESPACES, namespace),
      reader.find<Service>(SERVICES, name, namespace),
      reader.findMcs<KubeObject>(serviceExports, namespace, name),
      reader.find<Service>(SERVICES, derivedName, namespace),
    ]);
  const [leases, peers, clusterDns] = await Promise.all([
    readPeerLeases(reader, systemNamespace),
    readPeers(reader),
    observeClusterDns(deps),
  ]);
  return {
    membership: looked(membership),
    definitions,
    controllers: readControllers(lease, nowMs),
    namespaceObject: looked(namespaceObject),
    service: looked(service),
    serviceExport: looked(serviceExport, (found) => found && parseServiceExport(found).value),
    derivedService: looked(derived),
    peerReports: looked(leases, (all) => all.map((one) => peerReport(one, nowMs))),
    peers: looked(peers),
    clusterDns,
  };
}

function readControllers(
  lease: Awaited<ReturnType<typeof readControllersLease>>,
  nowMs: number,
): Looked<ControllersReport | undefined> {
  if (!lease.ok) return err(lease.error.message);
  return lease.value === undefined ? ok(undefined) : controllersReport(lease.value, nowMs);
}

async function readDefinitions(
  reader: ClusterReader,
): Promise<Looked<readonly CustomResourceDefinition[]>> {
  const found: CustomResourceDefinition[] = [];
  for (const plural of ["serviceexports", "serviceimports"]) {
    const name = `${plural}.${MCS_GROUP}`;
    const one = await reader.find<CustomResourceDefinition>(CUSTOM_RESOURCE_DEFINITIONS, name);
    if (!one.ok) return err(one.error.message);
    if (one.value !== undefined) found.push(one.value);
  }
  return ok(found);
}

async function readDnsAddresses(
  { systemNamespace, dns }: CollectOptions,
  reader: ClusterReader,
): Promise<Looked<readonly string[]>> {
  const found = await reader.find<Service>(SERVICES, DNS_NAME, systemNamespace);
  if (!found.ok) return err(found.error.message);
  const { clusterIP, clusterIPs } = found.value?.spec ?? {};
  const ips = (clusterIPs ?? [clusterIP ?? ""]).filter((ip) => ip !== "" && ip !== "None");
  if (ips.length > 0) return ok(ips);
  if (dns !== undefined) return ok([dns.host]);
  return err(
    `there is no Service ${systemNamespace}/${DNS_NAME}: say where the server is with --dns HOST:PORT`,
  );
}

async function askDns(
  { target: { namespace, name }, zone, entry, dns }: CollectOptions,
  {
    serviceImport,
    dnsAddresses,
    throughApi,
  }: Pick<Facts, "serviceImport" | "dnsAddresses"> & { readonly throughApi: ThroughApi },
  deps: CollectDeps,
): Promise<Facts["answers"]> {
  const value = serviceImport.ok ? serviceImport.value : undefined;
  const questions = (value?.spec.ipFamilies ?? ["IPv4"]).map((family) => ({
    name: `${name}.${namespace}.svc.${zone}`,
    type: family === "IPv6" ? ("AAAA" as const) : ("A" as const),
  }));
  const ask = (server: { host: string; port: number }, by: DirectEntry) =>
    Promise.all(questions.map((one) => askLiveDns({ ...one, server, entry: by }, deps))).then(ok);
  if (dns !== undefined) return ask(dns, { kind: "here" });
  if (entry.kind === "none") return err(NO_ENTRY);
  if (entry.kind === "api") return askThroughApi(throughApi, questions, deps);
  if (!dnsAddresses.ok) return dnsAddresses;
  const [host = ""] = dnsAddresses.value;
  return ask({ host, port: 53 }, entry);
}

async function dialPorts(
  { target, entry }: CollectOptions,
  {
    serviceImport,
    importSlices,
    throughApi,
  }: Pick<Facts, "serviceImport" | "importSlices"> & { readonly throughApi: ThroughApi },
  deps: CollectDeps,
): Promise<Facts["connections"]> {
  if (entry.kind === "none") return err(NO_ENTRY);
  if (!serviceImport.ok) return serviceImport;
  if (!importSlices.ok) return importSlices;
  const targets = connectionTargets(serviceImport.value, importSlices.value);
  if (entry.kind !== "api") return ok(await tryConnections(targets, entry, deps));
  return targets.length === 0 ? ok([]) : packetsThroughApi(throughApi, target, deps);
}

function sliceOf(object: KubeObject): readonly Slice[] {
  const parsed = parseSlice(object.metadata.name, Reflect.get(object, "spec"));
  return parsed.ok ? [parsed.value] : [];
}

function looked<T>(result: Result<T, KubeError>): Looked<T>;
function looked<T, U>(result: Result<T, KubeError>, use: (value: T) => U): Looked<U>;
function looked<T, U>(result: Result<T, KubeError>, use?: (value: T) => U): Looked<T | U> {
  if (!result.ok) return err(result.error.message);
  return ok(use === undefined ? result.value : use(result.value));
}

import { isDeepStrictEqual } from "node:util";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { isTerminating, NAMESPACES, type Namespace } from "../../../api/kube/namespace.ts";
import { type IpFamily, SERVICES, type Service } from "../../../api/kube/service.ts";
import {
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
} from "../../../api/mcs/labels.ts";
import type { ServiceExport } from "../../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { PRIVATE_SERVICE, SIM_NAMESPACES, SIM_SERVICES } from "../script/service-shapes.ts";
import { USER_LABEL } from "../users/our-objects.ts";
import { derivedName } from "../world/derived-name.ts";
import type { DnsProcess } from "../world/dns-process.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import {
  affinityText,
  type ExpectedService,
  endpointText,
  expectedService,
  joinName,
  mapText,
  portText,
  type Reach,
} from "./expected-service.ts";
import { EXPORTS, liveExport, liveExports } from "./live-export.ts";
import { naiveAddresses, type ZoneObjects } from "./naive-addresses.ts";
import type { Report } from "./violation.ts";

const IMPORTS = serviceImports("v1beta1");

/**
 * I1 and I11 in a world at rest: every member's objects, conditions and answers equal what the live exports of all
 * members say, worked out anew. A service under a hand-made import is the user's: only that nothing of ours is beside
 * it is not checked, everything else is.
 */
export function checkConverged({ clusters, dns, lost, paths }: Converged, report: Report): void {
  for (const namespace of SIM_NAMESPACES) {
    for (const name of [...SIM_SERVICES, PRIVATE_SERVICE]) {
      const exports = liveExports(clusters, namespace, name);
      for (const cluster of clusters) {
        const at = { cluster, namespace, name };
        // Who is cut off concludes nothing about others (I7); who hears all but one may.
        const others = clusters.filter((other) => other !== cluster);
        const isAlone = others.length > 1 && others.every((other) => lost.has(other));
        const unheard = lost.has(cluster) || isAlone ? NOBODY : lost;
        const view = paths?.seenFrom(cluster, namespace, name);
        const gone = new Set([...unheard, ...(view?.dead ?? [])]);
        const expected = expectedService(exports, gone, view?.reach);
        checkImport(at, expected, report);
        checkConditions(at, expected, report);
      }
      for (const server of dns) checkAnswer(server, namespace, name, report);
    }
  }
}

interface Converged {
  readonly clusters: readonly SimCluster[];
  readonly dns: readonly DnsProcess[];
  /** Cut off from the broker for longer than anybody keeps endpoints of lost clusters (I8). */
  readonly lost: ReadonlySet<SimCluster>;
  /** Where members take part in connectivity. */
  readonly paths?: PathTruths | undefined;
}

/** What the network is really like. */
export interface PathTruths {
  seenFrom(importer: SimCluster, namespace: string, name: string): PathView;
}

/** How the clients of one cluster reach those of one service's exporters. */
export interface PathView {
  /** Their path is dead, and those of others are not. */
  readonly dead: readonly SimCluster[];
  readonly reach: Reach;
}

const NOBODY: ReadonlySet<SimCluster> = new Set();
const NO_IDS: ReadonlySet<string> = new Set();

interface Place {
  readonly cluster: SimCluster;
  readonly namespace: string;
  readonly name: string;
}

function checkImport(at: Place, expected: ExpectedService | undefined, report: Report): void {
  const { cluster, namespace, name } = at;
  const where = `${namespace}/${name} in ${cluster.id}`;
  const found = cluster.get<ServiceImport>(IMPORTS, `${namespace}/${name}`);
  if (found !== undefined && !isOwn(found)) return;
  const home = cluster.get<Namespace>(NAMESPACES, namespace);
  const wanted = home === undefined || isTerminating(home) ? undefined : expected;
  const slices = ownSlices(at);
  const derived = cluster.get<Service>(SERVICES, `${namespace}/${derivedName(namespace, name)}`);
  if (wanted === undefined || found === undefined) {
    if (wanted !== undefined)
      report("I1", `${where}: no import, exported by ${wanted.clusters.join()}`);
    if (found !== undefined) report("I1", `${where}: an import, and nobody exports it`);
    if (slices.length > 0) report("I1", `${where}: slices without an import`);
    if (derived !== undefined && isOwn(derived)) {
      report("I1", `${where}: a derived Service without an import`);
    }
    return;
  }
  const { conflicts: _, families, ...shown } = wanted;
  const actual = new Map<string, unknown>(Object.entries(actualService(found, slices)));
  for (const [part, value] of Object.entries(shown)) {
    compare("I1", `${where}: ${part}`, actual.get(part), value, report);
  }
  const local = families.filter((family) => cluster.families.includes(family));
  if (derived === undefined || isOwn(derived)) {
    checkDerived({ where, local, serviceImport: found, derived }, report);
  }
}

function actualService(
  { spec, metadata, status }: ServiceImport,
  slices: readonly EndpointSlice[],
): Omit<ExpectedService, "conflicts" | "families"> {
  const { [LABEL_MANAGED_BY]: _, [USER_LABEL]: __, ...labels } = metadata.labels ?? {};
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => !isBookkeeping(key)),
  );
  return {
    type: spec?.type ?? "ClusterSetIP",
    ports: (spec?.ports ?? []).map(portText),
    sessionAffinity: affinityText(spec ?? {}),
    internalTrafficPolicy: spec?.internalTrafficPolicy ?? "",
    trafficDistribution: spec?.trafficDistribution ?? "",
    labels: mapText(labels),
    annotations: mapText(annotations),
    clusters: (status?.clusters ?? []).map(({ cluster }) => cluster),
    endpoints: slices.flatMap(sliceLines).toSorted(),
  };
}

/** Ours, under the names of the MCS API or our own. */
function isBookkeeping(key: string): boolean {
  return key.startsWith("multicluster.kubernetes.io/") || key.startsWith("isthmus.dev/");
}

function sliceLines(slice: EndpointSlice): string[] {
  const cluster = slice.metadata.labels?.[LABEL_SOURCE_CLUSTER];
  const ports = (slice.ports ?? []).map(
    ({ name = "", port, protocol }) => `${name}:${port}/${protocol}`,
  );
  return (slice.endpoints ?? []).flatMap((endpoint) =>
    (ports.length === 0 ? ["-"] : ports).map((port) =>
      endpointText(`${cluster} ${port}`, endpoint),
    ),
  );
}

/** @param found.local families of the merge that the cluster can route. */
function checkDerived(
  found: {
    readonly where: string;
    readonly local: readonly IpFamily[];
    readonly serviceImport: ServiceImport;
    readonly derived: Service | undefined;
  },
  report: Report,
): void {
  const { where, local, derived } = found;
  const { spec, status } = found.serviceImport;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const shown = `${ready?.status}/${ready?.reason}`;
  if (local.length === 0) {
    // IMP-20: nothing that this cluster can route.
    compare("I1", `${where}: Ready`, shown, "False/IPFamilyNotSupported", report);
    compare("I1", `${where}: ips`, spec?.ips ?? [], [], report);
    compare("I1", `${where}: derived Service`, derived?.metadata.name, undefined, report);
    return;
  }
  compare("I1", `${where}: Ready`, shown, "True/Ready", report);
  const families = derived?.spec.ipFamilies ?? [];
  compare("I1", `${where}: families`, families, familiesInUse(local, spec, families), report);
  compare("I1", `${where}: ipFamilies`, spec?.ipFamilies, families, report);
  const wantedIps = spec?.type === "Headless" ? [] : (derived?.spec.clusterIPs ?? []);
  compare("I1", `${where}: ips`, spec?.ips ?? [], wantedIps, report);
  const names = (derived?.spec.ports ?? []).map(({ name = "", port }) => `${name}:${port}`);
  const ports = spec?.ports ?? [];
  const wantedNames = ports.map((port) => `${joinName(port, ports)}:${port.port}`);
  compare("I1", `${where}: ports of the derived Service`, names, wantedNames, report);
}

/** The winner's order, but for an address in use, which stays first whatever comes after it (I5). */
function familiesInUse(
  local: readonly IpFamily[],
  spec: ServiceImport["spec"],
  [first]: readonly IpFamily[],
): readonly IpFamily[] {
  if (spec?.type === "Headless" || first === undefined) return local;
  return [first, ...local.filter((family) => family !== first)];
}

/** I11: the verdict on every ServiceExport. */
function checkConditions(at: Place, expected: ExpectedService | undefined, report: Report): void {
  const { cluster, namespace, name } = at;
  const serviceExport = cluster.get<ServiceExport>(EXPORTS, `${namespace}/${name}`);
  if (serviceExport === undefined || serviceExport.metadata.deletionTimestamp !== undefined) return;
  const conditions = serviceExport.status?.conditions ?? [];
  const actual = conditions.map(({ type, status, reason }) => {
    const reasons = type === "Conflict" ? reason.split(",").toSorted().join(",") : reason;
    return `${type}=${status}/${reasons}`;
  });
  compare(
    "I11",
    `conditions of ${namespace}/${name} in ${cluster.id}`,
    actual.toSorted(),
    expectedConditions(at, expected),
    report,
  );
}

function expectedConditions(
  { cluster, namespace, name }: Place,
  expected?: ExpectedService,
): string[] {
  if (expected !== undefined && liveExport(cluster, namespace, name) !== undefined) {
    const { conflicts } = expected;
    const conflict =
      conflicts.length === 0
        ? "Conflict=False/NoConflicts"
        : `Conflict=True/${conflicts.join(",")}`;
    return [conflict, "Ready=True/Exported", "Valid=True/Valid"];
  }
  const service = cluster.get(SERVICES, `${namespace}/${name}`);
  const hasService = service !== undefined && service.metadata.deletionTimestamp === undefined;
  return ["Ready=False/Pending", `Valid=False/${hasService ? "InvalidServiceType" : "NoService"}`];
}

function checkAnswer(server: DnsProcess, namespace: string, name: string, report: Report): void {
  const { cluster } = server;
  const objects: ZoneObjects = {
    hasNamespace: cluster.get(NAMESPACES, namespace) !== undefined,
    serviceImport: cluster.get<ServiceImport>(IMPORTS, `${namespace}/${name}`),
    slices: cluster
      .list<EndpointSlice>(ENDPOINT_SLICES, namespace)
      .filter(({ metadata }) => metadata.labels?.[LABEL_SERVICE_NAME] === name),
    dead: server.views.deadPeers?.current ?? NO_IDS,
  };
  const sources = objects.slices.flatMap(
    ({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? [],
  );
  for (const host of [undefined, ...new Set(sources.map((source) => `pod-0.${source}`))]) {
    compare(
      "I1",
      `answer for ${host === undefined ? "" : `${host} of `}${namespace}/${name} in ${cluster.id}`,
      server.addresses(serviceKey(namespace, name), host),
      naiveAddresses(objects, host),
      report,
    );
  }
}

function ownSlices({ cluster, namespace, name }: Place): readonly EndpointSlice[] {
  return cluster
    .list<EndpointSlice>(ENDPOINT_SLICES, namespace)
    .filter((slice) => slice.metadata.labels?.[LABEL_SERVICE_NAME] === name && isOwn(slice));
}

function isOwn({ metadata }: { readonly metadata: ServiceImport["metadata"] }): boolean {
  return metadata.labels?.[LABEL_MANAGED_BY] !== undefined;
}

function compare(
  invariant: string,
  what: string,
  actual: unknown,
  wanted: unknown,
  report: Report,
): void {
  if (isDeepStrictEqual(actual, wanted)) return;
  report(invariant, `${what}: must be ${JSON.stringify(wanted)}: got ${JSON.stringify(actual)}`);
}

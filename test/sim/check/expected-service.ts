import type { Endpoint } from "../../../api/kube/endpoint-slice.ts";
import type { IpFamily, ServicePort, SessionAffinityConfig } from "../../../api/kube/service.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import type { LiveExport } from "./live-export.ts";

/**
 * What all members must agree on for one service, worked out from the live objects. Deliberately not the product's code and as
 * plain as possible: a naive twin of the merge (section 3 of the requirements).
 */
export interface ExpectedService {
  readonly type: "ClusterSetIP" | "Headless";
  /** `name:port/PROTOCOL appProtocol`, in order. */
  readonly ports: readonly string[];
  /** With its timeout. */
  readonly sessionAffinity: string;
  readonly internalTrafficPolicy: string;
  readonly trafficDistribution: string;
  readonly labels: string;
  readonly annotations: string;
  readonly clusters: readonly string[];
  /** `cluster name:target/PROTOCOL address hostname ready`, sorted; `cluster - address ...` without ports. */
  readonly endpoints: readonly string[];
  /** In the winner's order, before any cluster leaves out what it cannot route. */
  readonly families: readonly IpFamily[];
  /** Reasons of Conflict, sorted; empty when all agree. */
  readonly conflicts: readonly string[];
}

/** Where clients dial an endpoint of a cluster; undefined: they have no way to it. */
export type Reach = (cluster: SimCluster, address: string) => string | undefined;

const AS_IT_IS: Reach = (_cluster, address) => address;

/**
 * @param exports oldest first; undefined when there is none.
 * @param lost clusters whose endpoints must be gone, unless nobody else could answer (CLN-05, CLN-08).
 */
export function expectedService(
  exports: readonly LiveExport[],
  lost: ReadonlySet<SimCluster> = new Set(),
  reach: Reach = AS_IT_IS,
): ExpectedService | undefined {
  const winner = exports[0];
  if (winner === undefined) return undefined;
  const ports = unionOfPorts(exports);
  return {
    type: typeOf(winner),
    ports: ports.map(portText),
    sessionAffinity: affinityText(winner.service.spec),
    internalTrafficPolicy: winner.service.spec.internalTrafficPolicy ?? "",
    trafficDistribution: winner.service.spec.trafficDistribution ?? "",
    labels: labelsOf(winner),
    annotations: annotationsOf(winner),
    clusters: exports.map(({ cluster }) => cluster.id),
    endpoints: offered({ exports, ports, lost, reach }).toSorted(),
    families: familiesOf(exports).families,
    conflicts: conflictsOf(exports, winner).toSorted(),
  };
}

function offered({ exports, ports, lost, reach }: Offering): string[] {
  const all = exports.flatMap((one) => endpointsOf(one, ports, reach));
  const heard = exports
    .filter(({ cluster }) => !lost.has(cluster))
    .flatMap((one) => endpointsOf(one, ports, reach));
  return heard.some((line) => line.endsWith(" ready")) ? heard : all;
}

interface Offering {
  readonly exports: readonly LiveExport[];
  readonly ports: readonly ServicePort[];
  readonly lost: ReadonlySet<SimCluster>;
  readonly reach: Reach;
}

function typeOf({ service }: LiveExport): "ClusterSetIP" | "Headless" {
  return service.spec.clusterIP === "None" ? "Headless" : "ClusterSetIP";
}

function affinityOf({ service }: LiveExport): string {
  return service.spec.sessionAffinity ?? "None";
}

export function affinityText(spec: {
  readonly sessionAffinity?: string;
  readonly sessionAffinityConfig?: SessionAffinityConfig;
}): string {
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  return `${spec.sessionAffinity ?? "None"} ${timeout ?? ""}`;
}

function annotationsOf({ serviceExport }: LiveExport): string {
  return mapText(serviceExport.spec?.exportedAnnotations ?? {});
}

/** IMP-20: what all have in common; who has nothing in common with the older ones has no say. */
function familiesOf(exports: readonly LiveExport[]): {
  readonly families: readonly IpFamily[];
  readonly isConflict: boolean;
} {
  let common: readonly IpFamily[] | undefined;
  let isConflict = false;
  for (const { service } of exports) {
    const own = service.spec.ipFamilies ?? [];
    const shared = (common ?? own).filter((family) => own.includes(family));
    if (shared.length > 0) common = shared;
    else isConflict = true;
  }
  return { families: common ?? [], isConflict };
}

function labelsOf({ serviceExport }: LiveExport): string {
  return mapText(serviceExport.spec?.exportedLabels ?? {});
}

/** `key=value` of each, sorted. */
export function mapText(map: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(map).map(([key, value]) => `${key}=${value}`);
  return pairs.toSorted().join();
}

export function portText({
  name = "",
  port,
  protocol = "TCP",
  appProtocol = "",
}: ServicePort): string {
  return `${name}:${port}/${protocol} ${appProtocol}`;
}

/** CON-16, CON-17: an older port keeps out every younger one with its name or its number. */
function unionOfPorts(exports: readonly LiveExport[]): readonly ServicePort[] {
  const all: ServicePort[] = [];
  for (const port of exports.flatMap(({ service }) => service.spec.ports ?? [])) {
    const isTaken = all.some(
      (older) => (older.name ?? "") === (port.name ?? "") || numberOf(older) === numberOf(port),
    );
    if (!isTaken) all.push(port);
  }
  return all;
}

function numberOf({ port, protocol = "TCP" }: ServicePort): string {
  return `${port}/${protocol}`;
}

/** CON-24: of each merged port, the target behind the same number in the exporter's own Service. */
function endpointsOf(
  { cluster, service, slices }: LiveExport,
  merged: readonly ServicePort[],
  reach: Reach,
): string[] {
  return slices.flatMap((slice) => {
    const targets = merged.flatMap((port) => {
      const own = service.spec.ports?.find((candidate) => numberOf(candidate) === numberOf(port));
      const target = slice.ports?.find(
        (one) => own !== undefined && (one.name ?? "") === (own.name ?? ""),
      );
      return target === undefined
        ? []
        : [`${joinName(port, merged)}:${target.port}/${port.protocol}`];
    });
    const shown = merged.length === 0 ? ["-"] : targets;
    return (slice.endpoints ?? []).flatMap((endpoint) => {
      const address = reach(cluster, endpoint.addresses[0] ?? "");
      if (address === undefined) return [];
      const reached = { ...endpoint, addresses: [address] };
      return shown.map((target) => endpointText(`${cluster.id} ${target}`, reached));
    });
  });
}

export function endpointText(of: string, { addresses, conditions, hostname }: Endpoint): string {
  const readiness = conditions?.ready === false ? "not-ready" : "ready";
  return `${of} ${addresses[0]} ${hostname ?? "-"} ${readiness}`;
}

/** CON-22: unnamed beside others needs a name of its own where Kubernetes joins by name. */
export function joinName(port: ServicePort, merged: readonly ServicePort[]): string {
  const { name = "" } = port;
  if (name !== "" || merged.length === 1) return name;
  return `p-${port.port}-${(port.protocol ?? "TCP").toLowerCase()}`;
}

/** Section 3.2: whatever differs from the oldest export; affinity among those that have any (CON-09). */
function conflictsOf(exports: readonly LiveExport[], winner: LiveExport): string[] {
  const differs = (value: (one: LiveExport) => string, among = exports): boolean =>
    among.some((one) => value(one) !== value(winner));
  const affine =
    typeOf(winner) === "Headless" ? [] : exports.filter((one) => typeOf(one) === "ClusterSetIP");
  const timeout = ({ service }: LiveExport): string =>
    `${service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds}`;
  const portSet = ({ service }: LiveExport): string =>
    (service.spec.ports ?? []).map(portText).toSorted().join();
  const found: readonly (readonly [string, boolean])[] = [
    ["PortConflict", differs(portSet)],
    ["TypeConflict", differs(typeOf)],
    ["SessionAffinityConflict", differs(affinityOf, affine)],
    ["SessionAffinityConfigConflict", differs(timeout, affine)],
    ["LabelsConflict", differs(labelsOf)],
    ["AnnotationsConflict", differs(annotationsOf)],
    [
      "TrafficDistributionConflict",
      differs(({ service }) => service.spec.trafficDistribution ?? ""),
    ],
    ["IPFamilyConflict", familiesOf(exports).isConflict],
    [
      "InternalTrafficPolicyConflict",
      differs(({ service }) => service.spec.internalTrafficPolicy ?? ""),
    ],
  ];
  return found.flatMap(([reason, holds]) => (holds ? [reason] : []));
}

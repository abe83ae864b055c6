import type { ClusterId } from "../../api/cluster-id.ts";
import type { Node } from "../../api/kube/node.ts";
import type {
  Encryption,
  LocalGateway,
  MemberNetworkSpec,
} from "../../api/network/member-network.ts";
import type { GatewayFact, NetworkFacts, ProxyFact } from "../../api/network/network-facts.ts";
import type { PathReport } from "../../api/network/path-report.ts";
import type { GlobalBlock } from "../../broker/client/network-link.ts";
import type { NodeAddresses } from "./node-addresses.ts";

/** What this member takes part with, as its admin says. */
export interface NetworkSettings {
  /** Empty: as the Nodes say. */
  readonly podCidrs: readonly string[];
  /** Empty: as the API server says, where it does. */
  readonly serviceCidrs: readonly string[];
  readonly encryption: Encryption;
  readonly mtu?: number;
}

/** What its paths are made of, as far as this process knows: it may change while it runs. */
export type NetworkAbilities = Pick<NetworkFacts, "backends" | "responders" | "overlay">;

/** Names of the nodes that are to be gateways (`connectivity/vxlan/election`). */
export type ElectGateways = (
  nodes: readonly Node[],
  cluster: ClusterId,
  options: { readonly isRunning: (node: string) => boolean },
) => readonly string[];

export interface NetworkWorld {
  readonly cluster: ClusterId;
  readonly settings: NetworkSettings;
  readonly abilities: NetworkAbilities;
  /** As they are said to others. */
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly nodes: readonly Node[];
  readonly reports: readonly PathReport[];
  readonly electGateways: ElectGateways;
  /** Undefined: the hub has given nothing yet. */
  readonly block: GlobalBlock | undefined;
  readonly nodeAddresses: NodeAddresses;
  /** Wall time. */
  readonly nowMs: number;
}

/** Reports are renewed each 10 s: one that missed this long speaks of a prober that is gone. */
export const REPORT_FRESH_MS = 30_000;

/**
 * What peers are told. Gateways that are not ready are left out: nobody is to send to them. Where none is ready all are told:
 * an API server that comes back knows old news alone, and what peers probe they need not be told.
 */
export function deriveFacts(world: NetworkWorld): NetworkFacts {
  const { abilities, block, podCidrs, serviceCidrs } = world;
  return {
    podCidrs,
    serviceCidrs,
    // The block may be that of an earlier need: what is not ours any more is not claimed.
    globalPrefixes: (block?.prefixes ?? []).filter(({ cidr }) => podCidrs.includes(cidr)),
    nodePrefixes: block?.nodePrefixes ?? [],
    ...abilities,
    gateways: deriveGateways(world),
    proxies: deriveProxies(world),
  };
}

function deriveGateways(world: NetworkWorld): readonly GatewayFact[] {
  const all = electedReports(world).flatMap(({ spec }) => {
    const { node, endpoints, port, publicKey, wgPort } = spec;
    const tunnelAddresses = node === undefined ? undefined : world.nodeAddresses[node];
    if (node === undefined || port === undefined || tunnelAddresses === undefined) return [];
    const key = publicKey === undefined || wgPort === undefined ? {} : { publicKey, wgPort };
    const fact: GatewayFact = { node, endpoints, port, tunnelAddresses, ...key };
    return [{ fact, isReady: isFresh(spec.renewedAt, world.nowMs) }];
  });
  const ready = all.filter(({ isReady }) => isReady);
  return (ready.length > 0 ? ready : all).map(({ fact }) => fact);
}

/** What elected gateways say, in the order of their names: who never said anything cannot be sent to. */
function electedReports({
  cluster,
  nodes,
  reports,
  electGateways,
  nowMs,
}: NetworkWorld): readonly PathReport[] {
  const ofGateways = reports.filter(({ spec }) => spec.role === "gateway");
  const reported = new Set(ofGateways.map(({ spec }) => spec.node));
  const running = new Set(
    ofGateways
      .filter(({ spec }) => isFresh(spec.renewedAt, nowMs))
      .map(({ spec: { node } }) => node),
  );
  const elected = electGateways(
    nodes.filter(({ metadata }) => reported.has(metadata.name)),
    cluster,
    { isRunning: (node) => running.has(node) },
  );
  return ofGateways
    .filter(({ spec: { node } }) => node !== undefined && elected.includes(node))
    .toSorted(byName);
}

function deriveProxies(world: NetworkWorld): readonly ProxyFact[] {
  const endpoints = freshReports(world, "proxy").flatMap(({ spec }) => spec.endpoints);
  return [...new Set(endpoints)].toSorted().map((endpoint) => ({ endpoint }));
}

/** In the order of their names. */
function freshReports(
  { reports, nowMs }: NetworkWorld,
  role: PathReport["spec"]["role"],
): readonly PathReport[] {
  return reports
    .filter(({ spec }) => spec.role === role && isFresh(spec.renewedAt, nowMs))
    .toSorted(byName);
}

function byName(a: PathReport, b: PathReport): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function isFresh(renewedAt: string, nowMs: number): boolean {
  return nowMs - Date.parse(renewedAt) < REPORT_FRESH_MS;
}

/** What gateways, node agents and proxies of this cluster are told. */
export function deriveMemberNetwork(world: NetworkWorld): MemberNetworkSpec {
  const { cluster, settings, nodeAddresses } = world;
  const { podCidrs, serviceCidrs, globalPrefixes, nodePrefixes } = deriveFacts(world);
  return {
    cluster,
    podCidrs,
    serviceCidrs,
    globalPrefixes,
    nodePrefixes,
    nodeAddresses,
    gateways: deriveLocalGateways(world),
    encryption: settings.encryption,
    ...(settings.mtu === undefined ? {} : { mtu: settings.mtu }),
  };
}

function deriveLocalGateways(world: NetworkWorld): readonly LocalGateway[] {
  const { nodes, nodeAddresses, nowMs } = world;
  return electedReports(world).flatMap(
    ({ spec: { node: name, port, renewedAt } }): LocalGateway[] => {
      const node = nodes.find(({ metadata }) => metadata.name === name);
      if (node === undefined || port === undefined) return [];
      const internalIps = (node.status?.addresses ?? [])
        .filter(({ type }) => type === "InternalIP")
        .map(({ address }) => address);
      const tunnelAddresses = nodeAddresses[node.metadata.name] ?? [];
      const ready = isFresh(renewedAt, nowMs) && tunnelAddresses.length > 0;
      return [{ node: node.metadata.name, internalIps, port, tunnelAddresses, ready }];
    },
  );
}

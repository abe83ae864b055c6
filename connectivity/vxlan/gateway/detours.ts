import type { ClusterId } from "../../../api/cluster-id.ts";
import type { PathReport } from "../../../api/network/path-report.ts";
import { gatewayName, type OwnNetwork, type PeerNetwork } from "../plan/networks.ts";
import { REPORT_LIFE_MS } from "../report-life.ts";
import type { Measure } from "./gateway-paths.ts";

/**
 * So long none of a peer's gateways has answered before others are asked to carry what the own pods send, ms: others notice a moment
 * later that the peer itself is silent, and then all go on trying.
 */
export const DOUBT_MS = 500;

export interface DetourInput {
  readonly network: OwnNetwork;
  /** Name of the gateway's node. */
  readonly node: string;
  readonly peers: readonly PeerNetwork[];
  readonly reports: readonly PathReport[];
  readonly measure: Measure;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

export interface Detours {
  /** Peers that this gateway does not reach, while another of its cluster does. */
  readonly peers: ReadonlySet<ClusterId>;
  /** Some peer is silent, and it is too early to tell. */
  readonly isInDoubt: boolean;
}

/**
 * Where this gateway is no way to a peer, and another one is: nodes have left it by its report, and what its own pods send goes the
 * same way as theirs. Where no other is known to be one, it goes on trying.
 */
export function detours({ network, node, peers, reports, measure, nowMs }: DetourInput): Detours {
  const silent = peers.flatMap((peer) => {
    const sinceMs = silentSince(peer, measure);
    return sinceMs === undefined ? [] : [{ peer: peer.cluster, forMs: nowMs - sinceMs }];
  });
  const proved = silent.filter(({ forMs }) => forMs >= DOUBT_MS);
  const others = new Set(network.gateways.flatMap((each) => (each.node === node ? [] : each.node)));
  return {
    peers: new Set(
      proved.flatMap(({ peer }) =>
        reports.some((report) => says(report, peer, others, nowMs)) ? [peer] : [],
      ),
    ),
    isInDoubt: proved.length < silent.length,
  };
}

/** Since when all of a peer's gateways are down; undefined: they are not. */
function silentSince({ cluster, gateways }: PeerNetwork, measure: Measure): number | undefined {
  const measured = gateways.map(({ node }) => measure(gatewayName(cluster, node)));
  const sinces = measured.flatMap((one) => (one?.state === "down" ? [one.sinceMs] : []));
  return sinces.length === 0 || sinces.length < measured.length ? undefined : Math.max(...sinces);
}

function says(
  { spec: { role, node, paths, renewedAt } }: PathReport,
  peer: ClusterId,
  others: ReadonlySet<string>,
  nowMs: number,
): boolean {
  return (
    role === "gateway" &&
    node !== undefined &&
    others.has(node) &&
    nowMs - Date.parse(renewedAt) < REPORT_LIFE_MS &&
    paths.some((path) => path.peer === peer && path.backend === "vxlan" && path.state === "up")
  );
}

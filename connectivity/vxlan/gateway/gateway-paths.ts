import type { ClusterId } from "../../../api/cluster-id.ts";
import type { ReportedPath } from "../../../api/network/path-report.ts";
import type { PathMeasurement, ProbeTarget } from "../../probe/path-measurement.ts";
import { chooseGateways, isFresh } from "../choose-gateways.ts";
import { gatewayName, type OwnNetwork, type PeerNetwork } from "../plan/networks.ts";
import type { PeerPaths } from "../plan/plan.ts";
import { isV6, ofFamily } from "../plan/underlay-family.ts";

export type Measure = (gateway: string) => PathMeasurement | undefined;

/** Gateways of peers, each at its own address inside the tunnel. */
export function gatewayProbeTargets(
  own: readonly string[],
  peers: readonly PeerNetwork[],
  port: number,
): readonly ProbeTarget[] {
  return peers.flatMap(({ cluster, gateways }) =>
    gateways.flatMap(({ node, tunnelAddresses }) => {
      const address = tunnelAddresses.find((each) => ofFamily(own, isV6(each)) !== undefined);
      return address === undefined
        ? []
        : [{ key: gatewayName(cluster, node), cluster, address, port }];
    }),
  );
}

/** Which gateways of each peer carry packets to it from here, and how large these may be; none where others of ours do (`detours`). */
export function gatewayPaths(
  network: OwnNetwork,
  peers: readonly PeerNetwork[],
  measure: Measure,
  /** Epoch milliseconds. */
  nowMs: number,
  detours: ReadonlySet<ClusterId> = new Set(),
): readonly PeerPaths[] {
  return peers.map((peer) => {
    const chosen = chooseGateways(
      peer.gateways.map(({ node }) => {
        const name = gatewayName(peer.cluster, node);
        const { state: probe, sinceMs } = measure(name) ?? { state: "unknown", sinceMs: 0 };
        return { name, probe, isFresh: probe === "up" && isFresh(sinceMs, nowMs) };
      }),
    );
    const mtu = network.mtu ?? leastMtu(chosen.through, measure);
    const used = detours.has(peer.cluster) ? { through: [], back: [] } : chosen;
    return { ...peer, ...used, ...(mtu !== undefined && { mtu }) };
  });
}

/** What this gateway says of each peer: up as long as one of the peer's gateways answers. */
export function reportedPaths(
  peers: readonly PeerNetwork[],
  measure: Measure,
): readonly ReportedPath[] {
  return peers.map(({ cluster, gateways }) => {
    const measured = gateways
      .map(({ node }) => measure(gatewayName(cluster, node)))
      .filter((measurement) => measurement !== undefined);
    return { peer: cluster, backend: "vxlan", ...together(measured) };
  });
}

function together(measured: readonly PathMeasurement[]): Omit<ReportedPath, "peer" | "backend"> {
  const up = measured.filter(({ state }) => state === "up");
  const unknown = measured.filter(({ state }) => state === "unknown");
  const [some] = [...up, ...unknown, ...measured];
  if (some === undefined) return { state: "unknown", reason: "the peer has no gateway to probe" };
  const since =
    up.length > 0
      ? Math.min(...up.map(({ sinceMs }) => sinceMs))
      : Math.max(...measured.map(({ sinceMs }) => sinceMs));
  const rttMs = least(up.map((each) => each.rttMs));
  const mtu = least(up.map((each) => each.mtu));
  const lossPercent = least(measured.map((each) => each.lossPercent));
  return {
    state: some.state,
    reason:
      measured.length === 1
        ? some.reason
        : `${up.length} of ${measured.length} gateways answer; ${some.reason}`,
    since: new Date(since).toISOString(),
    ...(rttMs !== undefined && { rttMs: Math.round(rttMs * 1_000) / 1_000 }),
    ...(mtu !== undefined && { mtu }),
    ...(lossPercent !== undefined && { lossPercent: Math.round(lossPercent * 10) / 10 }),
  };
}

function leastMtu(gateways: readonly string[], measure: Measure): number | undefined {
  return least(gateways.map((name) => measure(name)?.mtu));
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

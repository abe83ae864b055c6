import type { ClusterId } from "../../../api/cluster-id.ts";
import type { MemberNetworkSpec } from "../../../api/network/member-network.ts";
import type { PathReport, ReportedPath } from "../../../api/network/path-report.ts";
import type { PathMeasurement, ProbeTarget } from "../../probe/path-measurement.ts";
import { chooseGateways, type GatewayCandidate, isFresh } from "../choose-gateways.ts";
import type { OwnNetwork, PeerNetwork } from "../plan/networks.ts";
import type { PeerPaths } from "../plan/plan.ts";
import { REPORT_LIFE_MS } from "../report-life.ts";

export interface NodePathsInput {
  readonly network: OwnNetwork;
  readonly spec: Pick<MemberNetworkSpec, "gateways">;
  readonly peers: readonly PeerNetwork[];
  readonly reports: readonly PathReport[];
  readonly measurement: (gateway: string) => PathMeasurement | undefined;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Which gateways of the own cluster carry a node's packets to each peer, and how large these may be. */
export function nodePaths(input: NodePathsInput): readonly PeerPaths[] {
  const { network, peers, spec, nowMs } = input;
  return peers.map((peer) => {
    const said = reportedPaths(peer.cluster, input);
    const chosen = chooseGateways(
      spec.gateways.map(({ node, ready }): GatewayCandidate => {
        const measured = input.measurement(node);
        const path = said.get(node);
        const sinces = [
          measured?.state === "up" ? measured.sinceMs : undefined,
          path?.state === "up" && path.since !== undefined ? Date.parse(path.since) : undefined,
        ];
        return {
          name: node,
          probe: measured?.state ?? "unknown",
          saysDown: path?.state === "down",
          isNotReady: !ready,
          isFresh: sinces.some((sinceMs) => sinceMs !== undefined && isFresh(sinceMs, nowMs)),
        };
      }),
    );
    const mtu = network.mtu ?? least(chosen.through.map((node) => said.get(node)?.mtu));
    return { ...peer, ...chosen, ...(mtu !== undefined && { mtu }) };
  });
}

/** Gateways that this node probes: all but itself, over the nodes' tunnel. */
export function nodeProbeTargets(
  network: OwnNetwork,
  node: string,
  port: number,
): readonly ProbeTarget[] {
  return network.gateways.flatMap((gateway) => {
    const [address] =
      network.nodes.find(({ name }) => name === gateway.node)?.globalAddresses ?? [];
    if (gateway.node === node || address === undefined) return [];
    return [{ key: gateway.node, cluster: network.cluster, address, port }];
  });
}

function reportedPaths(
  peer: ClusterId,
  { reports, nowMs }: NodePathsInput,
): ReadonlyMap<string, ReportedPath> {
  return new Map(
    reports.flatMap(({ spec: { role, node, paths, renewedAt } }) => {
      const path = paths.find((each) => each.peer === peer && each.backend === "vxlan");
      const isFresh = nowMs - Date.parse(renewedAt) < REPORT_LIFE_MS;
      return role === "gateway" && node !== undefined && path !== undefined && isFresh
        ? [[node, path] as const]
        : [];
    }),
  );
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

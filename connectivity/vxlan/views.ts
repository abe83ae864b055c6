import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Node } from "../../api/kube/node.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { PodPlace } from "../../api/kube/pod.ts";
import { LOCAL_NETWORK, type MemberNetworkSpec } from "../../api/network/member-network.ts";
import {
  parseMemberNetwork,
  parsePathReport,
  parsePeer,
} from "../../api/network/parse-network-objects.ts";
import type { PathReport } from "../../api/network/path-report.ts";
import type { Result } from "../../api/result.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import { type OwnNetwork, ownNetwork, type PeerNetwork, peerNetwork } from "./plan/networks.ts";
import { nodeFacts } from "./plan/node-facts.ts";

/** What node agents and gateways know of their cluster; last known when its API server is away. */
export interface NetworkViews {
  /** MemberNetwork */
  readonly networks: ObjectView<KubeObject>;
  /** Peer */
  readonly peers: ObjectView<KubeObject>;
  readonly nodes: ObjectView<Node>;
}

export interface NodeAgentViews extends NetworkViews {
  /** PathReport */
  readonly reports: ObjectView<KubeObject>;
}

export interface GatewayViews extends NetworkViews {
  /** PathReport: what other gateways say. */
  readonly reports: ObjectView<KubeObject>;
  /** Those of all services of the clusterset, own endpoints and others'. */
  readonly slices: ObjectView<EndpointSlice>;
  /** Slice: scopes inside the clusterset, nothing to do with EndpointSlices. */
  readonly scopes: ObjectView<KubeObject>;
  /** Of the whole cluster; listed only while there are scopes. */
  readonly pods: ObjectView<PodPlace>;
}

/** Told which object is not of the shape that this version reads, and why. */
export type OnProblem = (problem: string) => void;

export interface CurrentNetwork {
  readonly spec: MemberNetworkSpec;
  readonly network: OwnNetwork;
}

/** Undefined while controllers have not said what the own network is: then nothing is to be changed. */
export function currentNetwork(
  { networks, nodes }: Pick<NetworkViews, "networks" | "nodes">,
  onProblem: OnProblem,
): CurrentNetwork | undefined {
  const object = networks.get(LOCAL_NETWORK);
  const parsed = object === undefined ? undefined : parseMemberNetwork(object);
  const value = valueOf(parsed, onProblem);
  if (value === undefined) return undefined;
  const facts = [...nodes.values()].map(nodeFacts).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { spec: value.spec, network: ownNetwork(value.spec, facts) };
}

/** Peers with global addresses, by name, so that equal knowledge makes equal plans. */
export function currentPeers(
  peers: ObjectView<KubeObject>,
  onProblem: OnProblem,
): readonly PeerNetwork[] {
  return [...peers.values()]
    .map((object) => valueOf(parsePeer(object), onProblem))
    .filter((peer) => peer !== undefined)
    .map(({ spec }) => peerNetwork(spec.cluster, spec))
    .filter(({ prefixes }) => prefixes.length > 0)
    .sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
}

export function currentReports(
  reports: ObjectView<KubeObject>,
  onProblem: OnProblem,
): readonly PathReport[] {
  return [...reports.values()]
    .map((object) => valueOf(parsePathReport(object), onProblem))
    .filter((report) => report !== undefined);
}

function valueOf<T>(parsed: Result<T, string> | undefined, onProblem: OnProblem): T | undefined {
  if (parsed?.ok === false) onProblem(parsed.error);
  return parsed?.ok === true ? parsed.value : undefined;
}

import type { ClusterId } from "../cluster-id.ts";
import type { KubeObject } from "../kube/object.ts";
import type { GlobalPrefix } from "./network-facts.ts";

/** Name of the only MemberNetwork of a cluster. */
export const LOCAL_NETWORK = "local";

export const ENCRYPTIONS = ["none", "wireguard"] as const;
export type Encryption = (typeof ENCRYPTIONS)[number];

/** What gateways, node agents, proxies and DNS need to know of their own cluster. Written by controllers alone. */
export interface MemberNetwork extends KubeObject {
  readonly spec: MemberNetworkSpec;
  readonly status?: MemberNetworkStatus;
}

export interface MemberNetworkStatus {
  /** What of this network cannot be told to peers or got no global addresses, and why; for people. */
  readonly problems: readonly string[];
}

export interface MemberNetworkSpec {
  readonly cluster: ClusterId;
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly globalPrefixes: readonly GlobalPrefix[];
  readonly nodePrefixes: readonly string[];
  /** Node name -> its global addresses, at most one a family. */
  readonly nodeAddresses: Readonly<Record<string, readonly string[]>>;
  readonly gateways: readonly LocalGateway[];
  /** Of traffic between gateways of different clusters. */
  readonly encryption: Encryption;
  /** Of the tunnel between clusters, bytes; absent: measured by the gateways. */
  readonly mtu?: number;
}

/** A gateway as its own cluster sees it; not ready ones too, since flows may still come from them. */
export interface LocalGateway {
  readonly node: string;
  /** Addresses of its node inside the cluster (`InternalIP`). */
  readonly internalIps: readonly string[];
  readonly port: number;
  /** Its own addresses inside the tunnel, in `nodePrefixes`. */
  readonly tunnelAddresses: readonly string[];
  readonly ready: boolean;
}

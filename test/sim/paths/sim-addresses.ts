import { LOCAL_NETWORK, type MemberNetwork } from "../../../api/network/member-network.ts";
import { MEMBER_NETWORKS } from "../../../api/network/resources.ts";
import type { SimCluster } from "../world/sim-cluster.ts";

/** First half of the addresses of a cluster's pods. */
export function podPrefix(index: number): string {
  return `10.${10 + index}`;
}

/** Of the networks that two clusters have in common: no pod has an address in it. */
const SHARED_NETWORK = "10.250.0.0/16";

export function podNetworks(index: number, isOverlapping: boolean): readonly string[] {
  return [`${podPrefix(index)}.0.0/16`, ...(isOverlapping ? [SHARED_NETWORK] : [])];
}

/** A pod's address, or the beginning of one, in the rest of the clusterset; undefined: the cluster has none yet. */
export function globalAddress(cluster: SimCluster, address: string): string | undefined {
  const own = podPrefix(cluster.index);
  const local = cluster.get<MemberNetwork>(MEMBER_NETWORKS, LOCAL_NETWORK);
  const given = local?.spec.globalPrefixes.find(({ cidr }) => cidr === `${own}.0.0/16`);
  if (given === undefined || !address.startsWith(`${own}.`)) return undefined;
  return `${given.global.split(".").slice(0, 2).join(".")}.${address.slice(own.length + 1)}`;
}

/** The pod behind a global address of a cluster; undefined: it is none of them. */
export function podAddress(cluster: SimCluster, address: string): string | undefined {
  const own = `${podPrefix(cluster.index)}.`;
  const global = globalAddress(cluster, own);
  if (global === undefined || !address.startsWith(global)) return undefined;
  return `${own}${address.slice(global.length)}`;
}

import type { Resource } from "../kube/object.ts";

export const NETWORK_GROUP = "isthmus.dev";
export const NETWORK_VERSION = "v1alpha1";

function networkResource(plural: string, kind: string): Resource {
  return { group: NETWORK_GROUP, version: NETWORK_VERSION, plural, kind, namespaced: false };
}

export const MEMBER_NETWORKS = networkResource("membernetworks", "MemberNetwork");
export const PEERS = networkResource("peers", "Peer");
export const SLICES = networkResource("slices", "Slice");
export const PATH_REPORTS = networkResource("pathreports", "PathReport");

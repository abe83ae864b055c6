import type { MemberIdentity } from "../../identity/member/member-identity.ts";
import { MemberLink } from "../member-link.ts";
import type { MemberLinkDeps } from "../member-link-options.ts";
import type { SavedState } from "../saved/saved-state.ts";
import { GrpcSyncTransport } from "./grpc-sync-transport.ts";

export interface GrpcBrokerLinkOptions {
  /** Asked anew for each stream: certificates are renewed. Cluster id and address stay what they are. */
  readonly identity: () => MemberIdentity;
  /** host:port of other brokers or other ways to this one, tried in turn after the identity's own. */
  readonly otherAddresses?: readonly string[];
  /** CIDRs that this cluster's endpoint addresses lie in; empty: not announced. */
  readonly cidrs?: readonly string[];
  /** See MemberLinkOptions. */
  readonly hasNetwork?: boolean;
  readonly keepsSlices?: boolean;
  /** What an earlier process of this member left. */
  readonly saved?: SavedState | undefined;
}

/** A member's link to a real broker. Call `start`; it stays connected until the signal aborts. */
export function createGrpcBrokerLink(
  { identity, otherAddresses = [], ...options }: GrpcBrokerLinkOptions,
  deps: Omit<MemberLinkDeps, "transport">,
): MemberLink {
  const { clusterId, brokerAddress } = identity();
  const transport = new GrpcSyncTransport({
    identity,
    addresses: [brokerAddress, ...otherAddresses],
  });
  return new MemberLink({ clusterId, ...options }, { ...deps, transport });
}

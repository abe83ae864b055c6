import { MEMBER_CIDRS_MAX } from "../../api/network/member-cidr.ts";

/** What the broker accepts. Reaching a limit is a refusal that names it, never a crash (I12). */
export const LIMITS = {
  /** Encoded row. */
  rowBytes: 256 * 1024,
  /** As in an EndpointSlice (EPS-11). */
  endpointsPerRow: 1000,
  addressesPerEndpoint: 100,
  portsPerRow: 100,
  labelsPerRow: 256,
  annotationsPerRow: 256,
  /** Clusters that a row is for, when it is not for all. */
  audienceClusters: 500,
  rowsPerOwner: 100_000,
  /** Deleted keys remembered per owner, so that a returning member gets deltas. */
  tombstonesPerOwner: 10_000,
  namespacesPerMember: 50_000,
  cidrsPerMember: MEMBER_CIDRS_MAX,
  nodePrefixesPerMember: 4,
  gatewaysPerMember: 16,
  /** Of one gateway, each list. */
  addressesPerGateway: 16,
  respondersPerMember: 16,
  proxiesPerMember: 16,
  /** Owners named in one Hello. */
  knownOwners: 5000,
  /** Writes of one member that are not durable yet: beyond, its stream is not read. */
  unstoredWrites: 1024,
  unstoredBytes: 4 * 1024 * 1024,
  /** Refusals a member has not read yet: beyond, its stream is not read. */
  unreadRefusals: 1024,
  /** Of all members and strangers together. */
  connections: 8192,
  /** Connections that have not shown a member's certificate yet: beyond, the oldest gives way. */
  unprovenConnections: 1024,
  /** A member needs one; the others are those it has not noticed the end of. */
  connectionsPerMember: 4,
  streamsPerConnection: 4,
  /** Encoded messages of one stream that the network has not taken yet: beyond, it is sent no more. */
  unsentBytes: 512 * 1024,
  /** One gRPC message. */
  messageBytes: 1024 * 1024,
  /** Sequences stay exact in a double and leave room to count on. */
  sequence: 2 ** 52,
} as const;

import type { IpFamily } from "../../../api/kube/service.ts";

/**
 * What one process of ours has in the kernel of its machine, or wants there: the same words for both, so that the
 * difference is computed. Of nft only the tables' texts: the kernel replaces a table in one transaction.
 */
export interface KernelState {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: readonly ForwardingEntry[];
  readonly queues: readonly Queue[];
  readonly classes: readonly TrafficClass[];
  readonly nexthops: readonly Nexthop[];
  readonly groups: readonly NexthopGroup[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
}

/** A VXLAN device that learns nothing (RFC 7348): what it knows is in `forwarding`. */
export interface Link {
  readonly name: string;
  readonly vni: number;
  /** UDP port it listens at. */
  readonly port: number;
  /** Address of outer packets; absent: as routed, over IPv6. */
  readonly local?: string;
  /** Whether outer packets must not be fragmented, so that the path's MTU can be measured. IPv4 underneath only. */
  readonly dontFragment: boolean;
  readonly mac: string;
  readonly mtu: number;
  /** The kernel has no IPv6, and refuses what is said about it. */
  readonly isWithoutIpv6?: true;
}

/** On one of our links. */
export interface LinkAddress {
  readonly link: string;
  /** A whole address (/32, /128); one with another length, as only others give, has it behind. */
  readonly address: string;
}

export interface Neighbour {
  readonly link: string;
  readonly address: string;
  readonly mac: string;
}

/** Frames to this MAC go into UDP packets to this address. */
export interface ForwardingEntry {
  readonly link: string;
  readonly mac: string;
  readonly remote: string;
  /** Absent: the link's own port. */
  readonly port?: number;
}

/** Hierarchical token buckets at one of our links (tc-htb(8)); its classes are apart. */
export interface Queue {
  readonly link: string;
  /** Class of packets that nobody has given one. */
  readonly fallback: number;
}

/** Class 1 holds all others of its link. Rates as `kernelRate` writes them. */
export interface TrafficClass {
  readonly link: string;
  readonly minor: number;
  /** What it has before it borrows. */
  readonly rate: string;
  /** What it never exceeds. */
  readonly ceil: string;
}

export interface Nexthop {
  readonly id: number;
  readonly link: string;
  readonly via: string;
}

/** Flows are spread over the members; when one goes, only its own flows move (resilient hashing). */
export interface NexthopGroup {
  readonly id: number;
  readonly members: readonly number[];
}

export interface Route {
  readonly table: number;
  readonly destination: string;
  readonly target:
    | { readonly kind: "nexthop"; readonly id: number }
    | { readonly kind: "link"; readonly name: string }
    /** Nobody can carry it: says so at once, and keeps it off the default route. */
    | { readonly kind: "unreachable" };
  /** Source of packets that the machine itself sends this way. */
  readonly source?: string;
  /** Bytes of the largest IP packet; absent: the link's. */
  readonly mtu?: number;
}

export interface Rule {
  readonly family: IpFamily;
  readonly priority: number;
  readonly table: number;
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly fromLink?: string;
}

export const EMPTY_KERNEL_STATE: KernelState = {
  links: [],
  addresses: [],
  neighbours: [],
  forwarding: [],
  queues: [],
  classes: [],
  nexthops: [],
  groups: [],
  routes: [],
  rules: [],
};

/** A table of nft with everything in it, replaced as a whole. */
export interface NftTable {
  readonly name: string;
  /** What stands between the braces. */
  readonly body: string;
}

/** A setting of the kernel. */
export interface Sysctl {
  /** Path under /proc/sys: a device's name may have dots. */
  readonly path: string;
  readonly value: string;
  /** It is a setting of this link of ours, and goes with it. */
  readonly ofLink?: string;
}

import type { ClusterId } from "../cluster-id.ts";
import type { KubeObject } from "../kube/object.ts";
import type { BackendName } from "./backend-name.ts";
import type { NetworkFacts } from "./network-facts.ts";

/** Another member, named by its cluster id: what it says about its network, and how it is reached. Written by controllers alone. */
export interface Peer extends KubeObject {
  readonly spec: PeerSpec;
  readonly status?: PeerStatus;
}

export interface PeerSpec extends NetworkFacts {
  readonly cluster: ClusterId;
}

export interface PeerStatus {
  /** Chosen; absent: none is usable. */
  readonly backend?: BackendName;
  /** RFC 3339: since when it is the chosen one. */
  readonly since?: string;
  /** Why this one, or why none; a sentence for people. */
  readonly reason?: string;
  /** Every path is proved dead: its endpoints are not to be offered. */
  readonly dead?: boolean;
  readonly paths: readonly PathStatus[];
}

export const PATH_STATES = ["up", "down", "unknown"] as const;
export type PathState = (typeof PATH_STATES)[number];

/** One way to one peer, as measured. */
export interface PathStatus {
  readonly backend: BackendName;
  readonly state: PathState;
  readonly rttMs?: number;
  readonly lossPercent?: number;
  /** Largest IP packet that passes, bytes. */
  readonly mtu?: number;
  readonly reason?: string;
  /** RFC 3339: since when it is in this state. */
  readonly since?: string;
}

/** Begins the reason of a path that overlapping networks rule out. */
export const OVERLAP_REASON = "pod networks overlap";

import type { ClusterId } from "../../api/cluster-id.ts";

/** Somebody who answers probes. */
export interface ProbeTarget {
  /** The asker's own name for it, unique among its targets. */
  readonly key: string;
  /** Who must answer: with overlapping addresses it could be somebody else. */
  readonly cluster: ClusterId;
  /** An IPv4 or IPv6 address, no name. */
  readonly address: string;
  readonly port: number;
}

export type PathState = "up" | "down" | "unknown";

/** What probes of one target have shown. */
export interface PathMeasurement {
  readonly state: PathState;
  /** Since when the state holds, epoch milliseconds. */
  readonly sinceMs: number;
  /** Why, in words for people. */
  readonly reason: string;
  /** Smoothed round trip, milliseconds; undefined before the first answer. */
  readonly rttMs: number | undefined;
  /** Of the latest probes, 0 to 100; undefined before any was answered or lost. */
  readonly lossPercent: number | undefined;
  /** Largest IP packet that was answered whole, bytes; undefined while not measured. */
  readonly mtu: number | undefined;
}

/** Probes a set of targets until the signal of its start aborts. */
export interface PathProber {
  /** From now on these and no others: what is known of a target that stays, by key, address and port, stays known. */
  setTargets(targets: readonly ProbeTarget[]): void;
  /** Undefined for a key that is no target. */
  measurement(key: string): PathMeasurement | undefined;
  /** The listener is told the key of a target whose state or MTU has changed, at once. Returns the unsubscribe. */
  subscribe(listener: (key: string) => void): () => void;
}

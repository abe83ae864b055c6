import type { ClusterId } from "../../api/cluster-id.ts";

/** What the broker knows of a member's connection. */
export type Connectedness =
  | { readonly kind: "connected" }
  /** For at least this long: a broker that has just started has not waited for anybody yet. */
  | { readonly kind: "disconnected"; readonly forMs: number };

/**
 * Which members have a stream, to this replica or another, and since when others have none. Deterministic: time comes in,
 * monotonic milliseconds.
 * Not durable on purpose: a broker that was away itself must not count that time against its members (fail static).
 */
export class Presence {
  readonly #startedMs: number;
  /** To this replica. BOUNDED: one stream per member. */
  readonly #connected = new Set<ClusterId>();
  /** To other replicas, as they say. BOUNDED: by the members. */
  #elsewhere: ReadonlySet<ClusterId> = new Set();
  /** When its last stream ended. BOUNDED: by the members that were connected, until they leave. */
  readonly #endedMs = new Map<ClusterId, number>();

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** True when that is news. */
  connected(cluster: ClusterId): boolean {
    const isNews = !this.#isConnected(cluster);
    this.#connected.add(cluster);
    this.#endedMs.delete(cluster);
    return isNews;
  }

  /** True when that is news. */
  disconnected(cluster: ClusterId, nowMs: number): boolean {
    if (!this.#connected.delete(cluster) || this.#elsewhere.has(cluster)) return false;
    this.#endedMs.set(cluster, nowMs);
    return true;
  }

  /** Replaces what other replicas say. Returns the clusters of which that is news. */
  elsewhere(clusters: ReadonlySet<ClusterId>, nowMs: number): readonly ClusterId[] {
    const before = this.#elsewhere;
    this.#elsewhere = clusters;
    const come = [...clusters].filter((one) => !before.has(one) && !this.#connected.has(one));
    const gone = [...before].filter((one) => !this.#isConnected(one));
    for (const cluster of come) this.#endedMs.delete(cluster);
    for (const cluster of gone) this.#endedMs.set(cluster, nowMs);
    return [...come, ...gone];
  }

  /** No member any more. */
  forget(cluster: ClusterId): void {
    this.#endedMs.delete(cluster);
  }

  of(cluster: ClusterId, nowMs: number): Connectedness {
    if (this.#isConnected(cluster)) return { kind: "connected" };
    const sinceMs = this.#endedMs.get(cluster) ?? this.#startedMs;
    return { kind: "disconnected", forMs: Math.max(0, nowMs - sinceMs) };
  }

  #isConnected(cluster: ClusterId): boolean {
    return this.#connected.has(cluster) || this.#elsewhere.has(cluster);
  }
}

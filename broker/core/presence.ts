import type { ClusterId } from "../../api/cluster-id.ts";

/** What the broker knows of a member's connection. */
export type Connectedness =
  | { readonly kind: "connected" }
  /** For at least this long: a broker that has just started has not waited for anybody yet. */
  | { readonly kind: "disconnected"; readonly forMs: number };

/**
 * Which members have a stream, and since when others have none. Deterministic: time comes in, monotonic milliseconds.
 * Not durable on purpose: a broker that was away itself must not count that time against its members (fail static).
 */
export class Presence {
  readonly #startedMs: number;
  /** BOUNDED: one stream per member. */
  readonly #connected = new Set<ClusterId>();
  /** When its last stream ended. BOUNDED: by the members that were connected, until they leave. */
  readonly #endedMs = new Map<ClusterId, number>();

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** True when that is news. */
  connected(cluster: ClusterId): boolean {
    this.#endedMs.delete(cluster);
    if (this.#connected.has(cluster)) return false;
    this.#connected.add(cluster);
    return true;
  }

  /** True when that is news. */
  disconnected(cluster: ClusterId, nowMs: number): boolean {
    if (!this.#connected.delete(cluster)) return false;
    this.#endedMs.set(cluster, nowMs);
    return true;
  }

  /** No member any more. */
  forget(cluster: ClusterId): void {
    this.#endedMs.delete(cluster);
  }

  of(cluster: ClusterId, nowMs: number): Connectedness {
    if (this.#connected.has(cluster)) return { kind: "connected" };
    const sinceMs = this.#endedMs.get(cluster) ?? this.#startedMs;
    return { kind: "disconnected", forMs: Math.max(0, nowMs - sinceMs) };
  }
}

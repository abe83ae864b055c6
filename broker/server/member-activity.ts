import type { ClusterId } from "../../api/cluster-id.ts";

/** What one broker process has seen of a member since it started. Wall time. */
export interface Activity {
  /** Its stream began; absent: it has none here. */
  readonly connectedAtMs?: number;
  /** Its last stream ended; absent: it has had none, or has one. */
  readonly seenAtMs?: number;
  readonly refusedWrites: number;
}

const NOTHING: Activity = { refusedWrites: 0 };

/** Who came, went and was refused what, for those who ask. Not durable: each process counts for itself. */
export class MemberActivity {
  /** BOUNDED: by the members; those who leave are forgotten. */
  readonly #activities = new Map<ClusterId, Activity>();

  of(cluster: ClusterId): Activity {
    return this.#activities.get(cluster) ?? NOTHING;
  }

  connected(cluster: ClusterId, nowMs: number): void {
    const { refusedWrites } = this.of(cluster);
    this.#activities.set(cluster, { refusedWrites, connectedAtMs: nowMs });
  }

  ended(cluster: ClusterId, nowMs: number): void {
    const { refusedWrites } = this.of(cluster);
    this.#activities.set(cluster, { refusedWrites, seenAtMs: nowMs });
  }

  refused(cluster: ClusterId): void {
    const activity = this.of(cluster);
    const refusedWrites = activity.refusedWrites + 1;
    this.#activities.set(cluster, { ...activity, refusedWrites });
  }

  forget(cluster: ClusterId): void {
    this.#activities.delete(cluster);
  }
}

import type { ClusterId } from "../../api/cluster-id.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { MemberRecord } from "../core/member-record.ts";
import { Presence } from "../core/presence.ts";
import type { Store } from "../store/store.ts";
import { type Activity, MemberActivity } from "./member-activity.ts";
import type { BrokerMetrics } from "./metrics.ts";
import { PresenceNews } from "./presence-news.ts";
import type { WriteHops } from "./write-hops.ts";

interface Deps {
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics: BrokerMetrics;
  readonly hops: WriteHops | undefined;
  /** What other members are told of these has changed. */
  readonly onNews: (clusters: ReadonlySet<ClusterId>) => void;
}

/**
 * Who of the members is there, in which life, since when and with what: for other members, who are told of each change, and for
 * admins, who see metrics. It takes part in nothing.
 */
export class MemberWatch {
  /** Who is connected, anywhere. */
  readonly presence: Presence;
  readonly #deps: Deps;
  readonly #news: PresenceNews;
  readonly #activity = new MemberActivity();
  /** The lives that members have been told of. BOUNDED: by the members. */
  readonly #lives = new Map<ClusterId, string>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.presence = new Presence(deps.clock.monotonicMs());
    this.#news = new PresenceNews(deps.clock, deps.onNews);
  }

  start(): void {
    const { table, whereabouts } = this.#deps.store;
    this.#unsubscribe = whereabouts.subscribe(() => this.#noteElsewhere());
    this.#noteElsewhere();
    for (const member of table.members()) this.#lives.set(member.cluster, lifeOf(member));
    for (const { cluster } of table.owners()) this.#measure(cluster);
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#news.stop();
  }

  /** What this process has seen of a member. */
  activity(cluster: ClusterId): Activity {
    return this.#activity.of(cluster);
  }

  /** For how long a member has had no stream to any replica, as far as this one knows, milliseconds; undefined: it has one. */
  silentMs(cluster: ClusterId): number | undefined {
    const present = this.presence.of(cluster, this.#deps.clock.monotonicMs());
    return present.kind === "connected" ? undefined : present.forMs;
  }

  connected(cluster: ClusterId): void {
    this.#activity.connected(cluster, this.#deps.clock.nowMs());
    if (this.presence.connected(cluster)) this.#news.add(cluster);
  }

  disconnected(cluster: ClusterId): void {
    const { store, clock } = this.#deps;
    // One who has just left is not to be remembered again.
    const isMember = store.table.member(cluster) !== undefined;
    if (isMember) this.#activity.ended(cluster, clock.nowMs());
    if (this.presence.disconnected(cluster, clock.monotonicMs())) this.#news.add(cluster);
  }

  refused(cluster: ClusterId): void {
    this.#activity.refused(cluster);
    this.#deps.metrics.refusedWrites.add(1, { cluster });
  }

  /** The store has something else about it. */
  changed(cluster: ClusterId): void {
    this.#noteLife(cluster);
    this.#measure(cluster);
  }

  measureSilence(): void {
    const { store, metrics } = this.#deps;
    for (const { cluster } of store.table.members()) {
      metrics.memberSilence.set((this.silentMs(cluster) ?? 0) / 1000, { cluster });
    }
  }

  /** Who joined, joined again, left or was revoked is told to all; rows say nothing about that. */
  #noteLife(cluster: ClusterId): void {
    const { store, metrics, hops } = this.#deps;
    const member = store.table.member(cluster);
    const life = member === undefined ? undefined : lifeOf(member);
    if (this.#lives.get(cluster) === life) return;
    if (life === undefined) {
      this.#lives.delete(cluster);
      this.presence.forget(cluster);
      this.#activity.forget(cluster);
      metrics.forget(cluster);
      hops?.forget(cluster);
    } else this.#lives.set(cluster, life);
    this.#news.add(cluster);
  }

  #measure(cluster: ClusterId): void {
    const { store, metrics } = this.#deps;
    const owner = store.table.owner(cluster);
    if (owner === undefined) return;
    metrics.memberRows.set(owner.size, { cluster });
    const expiresAtMs = store.table.member(cluster)?.certificateExpiresAtMs;
    if (expiresAtMs !== undefined) metrics.certificateExpiry.set(expiresAtMs / 1000, { cluster });
  }

  /** Members that moved to another replica are not gone. */
  #noteElsewhere(): void {
    const { store, clock } = this.#deps;
    const clusters = new Set(store.whereabouts.elsewhere().keys());
    for (const cluster of this.presence.elsewhere(clusters, clock.monotonicMs())) {
      this.#news.add(cluster);
    }
  }
}

/** What others are told of a member beside whether it is connected. */
function lifeOf({ incarnation, frozenAtMs }: MemberRecord): string {
  return frozenAtMs === undefined ? `${incarnation}` : `${incarnation} frozen`;
}

import {
  type MemberPresence,
  MemberPresence_State,
  type Presence as PresenceMessage,
} from "../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { TableView } from "./broker-table.ts";
import type { Presence } from "./presence.ts";

/** About 90 bytes each at most: a message stays far below its limit. */
const MEMBERS_PER_MESSAGE = 2000;

/** What one member is told of who is in the clusterset. Keeps no history: what is not told yet is told as it is then. */
export class PresenceTeller {
  readonly #self: ClusterId;
  readonly #table: TableView;
  readonly #presence: Presence;
  /** To be told. BOUNDED: by the clusters that are members or ever were. */
  readonly #pending = new Set<ClusterId>();
  #isWholeDue = false;

  constructor(self: ClusterId, table: TableView, presence: Presence) {
    this.#self = self;
    this.#table = table;
    this.#presence = presence;
  }

  /** Everybody is to be told anew. */
  start(): void {
    this.#isWholeDue = true;
    for (const { cluster } of this.#table.members()) this.changed(cluster);
    for (const { cluster } of this.#table.owners()) this.changed(cluster);
    for (const cluster of this.#table.departures().keys()) this.changed(cluster);
  }

  changed(cluster: ClusterId): void {
    if (cluster !== this.#self) this.#pending.add(cluster);
  }

  /** Undefined when everything has been told. */
  next(nowMs: number): PresenceMessage | undefined {
    if (!this.#isWholeDue && this.#pending.size === 0) return undefined;
    const members: MemberPresence[] = [];
    for (const cluster of this.#pending) {
      if (members.length === MEMBERS_PER_MESSAGE) break;
      this.#pending.delete(cluster);
      members.push(...this.#describe(cluster, nowMs));
    }
    const whole = this.#isWholeDue;
    this.#isWholeDue = false;
    return { whole, members };
  }

  #describe(cluster: ClusterId, nowMs: number): readonly MemberPresence[] {
    const life = this.#table.member(cluster) ?? this.#table.owner(cluster);
    if (life === undefined) {
      const incarnation = this.#table.departed(cluster);
      if (incarnation === undefined) return [];
      const state = MemberPresence_State.LEFT;
      return [{ clusterId: cluster, incarnation, state, disconnectedMs: 0 }];
    }
    const { incarnation } = life;
    if (this.#table.member(cluster)?.frozenAtMs !== undefined) {
      const state = MemberPresence_State.FROZEN;
      return [{ clusterId: cluster, incarnation, state, disconnectedMs: 0 }];
    }
    const found = this.#presence.of(cluster, nowMs);
    return found.kind === "connected"
      ? [
          {
            clusterId: cluster,
            incarnation,
            state: MemberPresence_State.CONNECTED,
            disconnectedMs: 0,
          },
        ]
      : [
          {
            clusterId: cluster,
            incarnation,
            state: MemberPresence_State.DISCONNECTED,
            disconnectedMs: Math.floor(found.forMs),
          },
        ];
  }
}

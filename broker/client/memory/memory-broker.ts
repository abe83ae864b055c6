import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { type Changing, unchanging } from "../../../runtime/config/changing.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { SessionPeer } from "../../core/session-io.ts";
import type { GlobalAllocator } from "../../globals/global-block.ts";
import { type HubPolicy, NO_POLICY } from "../../policy/cluster-policy.ts";
import { Hub } from "../../server/hub.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { MemberLink } from "../member-link.ts";
import type { SavedState } from "../saved/saved-state.ts";
import type { StreamHandlers, SyncStream, SyncTransport } from "../sync-transport.ts";
import { MemoryStream } from "./memory-stream.ts";
import { MemoryWhereabouts } from "./memory-whereabouts.ts";

export interface MemoryBrokerOptions {
  /** Of each delivery, milliseconds; drawn anew each time. @default always 0 */
  readonly latencyMs?: () => number;
  /** Replicas of the broker over one store; links try them in turn, as over gRPC. @default 1 */
  readonly hubs?: number;
  /** The hub's. @default none */
  readonly policy?: Changing<HubPolicy>;
  /** Of global addresses. @default none are given */
  readonly globals?: GlobalAllocator;
  /** Members that keep to slices. @default none */
  readonly keepsSlices?: (cluster: ClusterId) => boolean;
}

/**
 * A broker and its members in one process, without network, disk or certificates, for tests and the
 * simulation: the real hub, store table, sessions and codec on one side, the real member link on the
 * other. Only time moves messages, so a VirtualClock makes a run repeatable.
 */
export class MemoryBroker {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #latencyMs: () => number;
  readonly #policy: Changing<HubPolicy>;
  readonly #globals: GlobalAllocator | undefined;
  readonly #keepsSlices: (cluster: ClusterId) => boolean;
  #epoch = 1;
  #store = new MemoryStore("epoch-1");
  readonly #whereabouts = new MemoryWhereabouts();
  /** Undefined while it is down. BOUNDED: by the option. */
  readonly #hubs: (Hub | undefined)[];
  /** BOUNDED: by the members of the test. */
  readonly #cut = new Set<ClusterId>();
  /** Streams that are open, to be cut. BOUNDED: by the streams members open. */
  readonly #streams = new Set<MemoryStream>();

  constructor(
    options: MemoryBrokerOptions,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#latencyMs = options.latencyMs ?? (() => 0);
    this.#hubs = Array.from({ length: options.hubs ?? 1 }, () => undefined);
    this.#policy = options.policy ?? unchanging(NO_POLICY);
    this.#globals = options.globals;
    this.#keepsSlices = options.keepsSlices ?? (() => false);
    this.start();
  }

  get store(): MemoryStore {
    return this.#store;
  }

  /** A link of this member, not started. The incarnation is what its certificate would say. */
  link(
    clusterId: ClusterId,
    incarnation = 1,
    cidrs: readonly string[] = [],
    hasNetwork = false,
    saved?: SavedState,
  ): MemberLink {
    const peer = { cluster: clusterId, incarnation, certificateSerial: "01" };
    let next = 0;
    const transport: SyncTransport = {
      open: (handlers) => this.#open(peer, next++ % this.#hubs.length, handlers),
      close: () => undefined,
    };
    const deps = { transport, clock: this.#clock, random: this.#random, log: silentLogger };
    const keepsSlices = this.#keepsSlices(clusterId);
    return new MemberLink({ clusterId, cidrs, hasNetwork, saved, keepsSlices }, deps);
  }

  /**
   * After `stop`: comes back with what was stored.
   * @param replica of several; all when left out.
   */
  start(replica?: number): void {
    for (const index of this.#replicas(replica)) {
      if (this.#hubs[index] !== undefined) continue;
      const store = this.#whereabouts.storeOf(this.#store, index);
      const clock = this.#clock;
      const hub = new Hub(
        { clusterset: "memory" },
        {
          store,
          clock,
          log: silentLogger,
          meter: silentMeter,
          policy: this.#policy,
          ...(this.#globals === undefined ? {} : { globals: this.#globals }),
        },
      );
      this.#hubs[index] = hub;
      hub.start();
    }
  }

  /** @param replica of several; all when left out. */
  stop(replica?: number): void {
    for (const index of this.#replicas(replica)) {
      this.#hubs[index]?.stop();
      this.#hubs[index] = undefined;
      this.#whereabouts.forget(index);
      for (const stream of this.#streams) {
        if (stream.replica === index) stream.lose("broker is down");
      }
    }
  }

  /** The store is lost: the broker comes back empty, under another epoch. */
  loseStore(): void {
    this.stop();
    this.#epoch += 1;
    this.#store = new MemoryStore(`epoch-${this.#epoch}`);
    this.start();
  }

  /** Cuts a member off: its streams break, and new ones fail, until `heal`. */
  cut(cluster: ClusterId): void {
    this.#cut.add(cluster);
    this.breakStream(cluster);
  }

  heal(cluster: ClusterId): void {
    this.#cut.delete(cluster);
  }

  /** Breaks a member's stream once: what was under way both ways is lost. */
  breakStream(cluster: ClusterId): void {
    for (const stream of this.#streams) {
      if (stream.cluster === cluster) stream.lose("connection reset");
    }
  }

  /** A half-open connection: nothing arrives any more, either way, and neither side is told. New streams work. */
  freezeStream(cluster: ClusterId): void {
    for (const stream of this.#streams) {
      if (stream.cluster === cluster) stream.freeze();
    }
  }

  /**
   * A connection that is lost at the member's end only: the member is told and comes back. What it had sent arrives after
   * half of `lingerMs`, and the hub hears of the end after all of it.
   */
  abandonStream(cluster: ClusterId, lingerMs: number): void {
    for (const stream of this.#streams) {
      if (stream.cluster === cluster) stream.abandon(lingerMs);
    }
  }

  /** Streams that are open: one per member that is connected. */
  get streamCount(): number {
    return this.#streams.size;
  }

  #replicas(replica: number | undefined): readonly number[] {
    return this.#hubs.flatMap((_, index) =>
      replica === undefined || replica === index ? index : [],
    );
  }

  #open(peer: SessionPeer, replica: number, handlers: StreamHandlers): SyncStream {
    const hub = this.#cut.has(peer.cluster) ? undefined : this.#hubs[replica];
    return new MemoryStream({ peer, replica }, hub, handlers, {
      clock: this.#clock,
      latencyMs: this.#latencyMs,
      open: this.#streams,
    });
  }
}

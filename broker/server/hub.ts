import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import { type Changing, unchanging } from "../../runtime/config/changing.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import { checkLife } from "../core/member-life.ts";
import type { CloseReason, SessionPeer } from "../core/session-io.ts";
import { SharedBatches } from "../core/shared-batches.ts";
import { type GlobalAllocator, NO_BLOCK } from "../globals/global-block.ts";
import { type HubPolicy, NO_POLICY } from "../policy/cluster-policy.ts";
import type { Store } from "../store/store.ts";
import { Connection, type Transport } from "./connection.ts";
import { FirstSyncQueue } from "./first-sync-queue.ts";
import type { Activity } from "./member-activity.ts";
import { MemberWatch } from "./member-watch.ts";
import { MessageBudgets } from "./message-budgets.ts";
import { type BrokerMetrics, createBrokerMetrics } from "./metrics.ts";
import { PolicyKeeper } from "./policy-keeper.ts";
import { StoreWaits } from "./store-waits.ts";
import { type BrokerHop, WriteHops } from "./write-hops.ts";

export interface HubOptions {
  readonly clusterset: string;
  /** Members ping this often; three silent intervals end a stream. @default 5000 */
  readonly heartbeatIntervalMs?: number;
  /** Members that are sent everything at the same time. @default as FirstSyncQueue */
  readonly firstSyncsMax?: number;
}

export interface HubDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
  /** What each cluster may do. @default only the broker's own bounds */
  readonly policy?: Changing<HubPolicy>;
  /** Global addresses of members. @default none are given */
  readonly globals?: GlobalAllocator;
  /** Told of each write on its way through. @default nobody is, and nothing is looked at for it */
  readonly onHop?: ((hop: BrokerHop) => void) | undefined;
}

const NO_GLOBALS: GlobalAllocator = { allocate: () => Promise.resolve(ok(NO_BLOCK)) };

const DEFAULT_HEARTBEAT_MS = 5000;
/** Of the time for draining: the last to move have some time to end their streams. */
const ASKED_PART = 0.8;
function policyChanged(cluster: ClusterId): CloseReason {
  return { kind: "policy", text: `the hub's policy for cluster ${cluster} changed: come back` };
}

const STOPPING: CloseReason = { kind: "stopping", text: "broker is stopping: come back" };

/** All streams of one broker process, over any transport: lets members in, one stream each, and fans out changes. */
export class Hub {
  readonly #options: HubOptions;
  readonly #deps: HubDeps;
  readonly heartbeatIntervalMs: number;
  readonly #metrics: BrokerMetrics;
  /** BOUNDED: by the members that joined: one stream each, the newest. */
  readonly #connections = new Map<ClusterId, Connection>();
  readonly #budgets: MessageBudgets;
  readonly #policy: PolicyKeeper;
  readonly #watch: MemberWatch;
  readonly #firstSyncs: FirstSyncQueue;
  readonly #storeWaits: StoreWaits;
  readonly #batches = new SharedBatches();
  readonly #hops: WriteHops | undefined;
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;
  #isStopping = false;
  /** Called when the last stream has ended. */
  #onEmpty: (() => void) | undefined;

  constructor(options: HubOptions, deps: HubDeps) {
    this.#options = options;
    this.#deps = deps;
    this.heartbeatIntervalMs = options.heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_MS;
    this.#metrics = createBrokerMetrics(deps.meter);
    const { clock, onHop } = deps;
    this.#hops = onHop && new WriteHops({ clock, onHop, table: deps.store.table });
    this.#budgets = new MessageBudgets(clock);
    this.#firstSyncs = new FirstSyncQueue({ clock, metrics: this.#metrics }, options.firstSyncsMax);
    this.#storeWaits = new StoreWaits({ clock, metrics: this.#metrics });
    this.#policy = new PolicyKeeper({
      ...deps,
      policy: deps.policy ?? unchanging(NO_POLICY),
      metrics: this.#metrics,
      onChanged: (cluster) => this.#connections.get(cluster)?.close(policyChanged(cluster)),
    });
    this.#watch = new MemberWatch({
      ...{ store: deps.store, clock, metrics: this.#metrics, hops: this.#hops },
      onNews: (clusters) => {
        for (const connection of this.#connections.values()) connection.presenceChanged(clusters);
      },
    });
  }

  start(): void {
    this.#unsubscribe = this.#deps.store.subscribe((changed) => this.#fanOut(changed));
    this.#metrics.connectedMembers.set(0);
    this.#policy.start();
    this.#watch.start();
    this.#scheduleTick();
  }

  /**
   * Asks every member to move to another replica within this time, and turns new streams away; resolves once all have
   * moved or the time has passed.
   */
  drain(withinMs: number): Promise<void> {
    this.#isStopping = true;
    if (withinMs <= 0 || this.#connections.size === 0) return Promise.resolve();
    const { clock, log } = this.#deps;
    log.info("draining", { members: this.#connections.size, withinMs });
    return new Promise((resolve) => {
      const timer = clock.setTimer(withinMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
      for (const connection of this.#connections.values()) {
        connection.askToMove(Math.floor(withinMs * ASKED_PART));
      }
    });
  }

  /** Closes every stream; withdraws nothing (CLN-10). Idempotent. */
  stop(): void {
    this.#isStopping = true;
    this.#timer?.cancel();
    this.#unsubscribe?.();
    this.#policy.stop();
    this.#timer = undefined;
    for (const connection of this.#connections.values()) connection.close(STOPPING);
    this.#watch.stop();
  }

  /** What this process has seen of a member. */
  activity(cluster: ClusterId): Activity {
    return this.#watch.activity(cluster);
  }

  /** For how long a member has had no stream to any replica, as far as this one knows, milliseconds; undefined: it has one. */
  silentMs(cluster: ClusterId): number | undefined {
    return this.#watch.silentMs(cluster);
  }

  get connectedMembers(): readonly ClusterId[] {
    return [...this.#connections.keys()];
  }

  /** A member's new stream. It takes the place of an older one of the same cluster; input starts paused. */
  connect(peer: SessionPeer, transport: Transport): Connection {
    const { clusterset } = this.#options;
    const { store, clock } = this.#deps;
    const policy = this.#policy.follow(peer.cluster);
    const budget = this.#budgets.of(peer.cluster);
    budget.limitWrites(policy.writesPerSecond);
    const connection = new Connection(
      {
        peer,
        clusterset,
        policy,
        heartbeatIntervalMs: this.heartbeatIntervalMs,
        batches: this.#batches,
      },
      transport,
      {
        store,
        presence: this.#watch.presence,
        clock,
        metrics: this.#metrics,
        budget,
        firstSyncs: this.#firstSyncs,
        globals: this.#deps.globals ?? NO_GLOBALS,
        storeWaits: this.#storeWaits,
        hops: this.#hops,
        onRefused: () => this.#watch.refused(peer.cluster),
        checkLife: (who) => checkLife(this.#deps.store.table, who),
        onClose: (closed, reason) => this.#onClose(closed, reason),
      },
    );
    void this.#admit(connection).catch((error: unknown) =>
      connection.close({ kind: "store-failed", text: String(error) }),
    );
    return connection;
  }

  /** Ends a membership at the member's own wish: its rows go, its stream is closed (CLN-04). */
  async leave(
    peer: SessionPeer,
  ): Promise<Result<void, { kind: "over" | "store-failed"; text: string }>> {
    const allowed = checkLife(this.#deps.store.table, peer);
    if (!allowed.ok) return err({ kind: "over", text: allowed.error });
    // A broker that lost its store may not know it yet: it has to be somebody to be remembered as gone.
    const registered = await this.#register(peer);
    if (!registered.ok) return err({ kind: "store-failed", text: registered.error });
    const removed = await this.#deps.store.removeMember(peer.cluster);
    if (!removed.ok) return err({ kind: "store-failed", text: removed.error.text });
    this.#deps.log.info("member left", { cluster: peer.cluster, incarnation: peer.incarnation });
    return ok(undefined);
  }

  async #admit(connection: Connection): Promise<void> {
    const { peer } = connection;
    if (this.#isStopping) {
      connection.close(STOPPING);
      return;
    }
    const allowed = checkLife(this.#deps.store.table, peer);
    if (!allowed.ok) {
      connection.close({ kind: "over", text: allowed.error });
      return;
    }
    this.#connections.get(peer.cluster)?.close({
      kind: "replaced",
      text: `only one stream per cluster: ${peer.cluster} opened another`,
    });
    this.#connections.set(peer.cluster, connection);
    this.#tellConnected();
    const registered = await this.#register(peer);
    if (!registered.ok) {
      connection.close({ kind: "store-failed", text: registered.error });
      return;
    }
    const settling = this.#policy.settled();
    const settled = settling === undefined ? ok(undefined) : await settling;
    if (!settled.ok) {
      connection.close({ kind: "store-failed", text: settled.error.text });
      return;
    }
    if (!connection.isOpen) return;
    connection.admit();
    this.#watch.connected(peer.cluster);
    this.#deps.log.info("member connected", {
      cluster: peer.cluster,
      incarnation: peer.incarnation,
    });
  }

  /** A broker that lost its store meets members it does not know: their certificates speak for them. */
  async #register(peer: SessionPeer): Promise<Result<void, string>> {
    const { store, clock } = this.#deps;
    if (store.table.member(peer.cluster)?.incarnation === peer.incarnation) return ok(undefined);
    const put = await store.putMember({ ...peer, joinedAtMs: clock.nowMs() });
    return put.ok ? put : err(put.error.text);
  }

  #fanOut(changed: ReadonlySet<ClusterId>): void {
    const { table } = this.#deps.store;
    const startMs = this.#hops?.nowMs() ?? 0;
    const news = new Set<ClusterId>();
    for (const cluster of changed) {
      this.#watch.changed(cluster);
      if (this.#hasNews(cluster)) news.add(cluster);
      const connection = this.#connections.get(cluster);
      if (connection === undefined) continue;
      const allowed = checkLife(table, connection.peer);
      if (!allowed.ok) connection.close({ kind: "over", text: allowed.error });
    }
    if (news.size === 0) return;
    for (const connection of this.#connections.values()) connection.ownersChanged(news);
    this.#hops?.sent(news, startMs, this.#connections.size);
  }

  /** Nothing is told of an owner that is incomplete, unless that an earlier life of it has ended. */
  #hasNews(cluster: ClusterId): boolean {
    const { table } = this.#deps.store;
    return table.owner(cluster)?.isComplete !== false || table.departed(cluster) !== undefined;
  }

  #onClose(connection: Connection, reason: CloseReason | undefined): void {
    const { cluster } = connection.peer;
    if (this.#connections.get(cluster) === connection) {
      this.#connections.delete(cluster);
      this.#watch.disconnected(cluster);
    }
    this.#tellConnected();
    if (this.#connections.size === 0) this.#onEmpty?.();
    const kind = reason?.kind ?? "ended";
    this.#metrics.closedStreams.add(1, { reason: kind });
    this.#deps.log.info("member disconnected", { cluster, reason: kind });
    if (reason !== undefined) {
      // The text may quote what the member sent.
      this.#deps.log.debug("stream closed", { cluster, text: reason.text });
    }
  }

  #tellConnected(): void {
    this.#metrics.connectedMembers.set(this.#connections.size);
    this.#deps.store.whereabouts.publish([...this.#connections.values()].map(({ peer }) => peer));
  }

  #scheduleTick(): void {
    this.#timer = this.#deps.clock.setTimer(this.heartbeatIntervalMs, () => {
      for (const connection of this.#connections.values()) connection.tick();
      this.#watch.measureSilence();
      this.#budgets.forgetFull((cluster) => this.#connections.has(cluster));
      this.#policy.enforceAll();
      this.#scheduleTick();
    });
  }
}

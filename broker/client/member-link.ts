import type { Presence as PresenceMessage, Welcome } from "../../api/broker/broker.gen.ts";
import {
  NETWORK_ROW_KEY,
  type NetworkRow,
  type RowKey,
  type ServiceRow,
  serviceOfRowKey,
} from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";
import { ok, type Result } from "../../api/result.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { SliceSet } from "../../api/slices/slice-set.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { GlobalBlock, GlobalNeed } from "../globals/global-block.ts";
import type { SingleMessage } from "../wire/batch.ts";
import type { BrokerLink, LinkEvent, LinkStatus } from "./broker-link.ts";
import {
  CLIENT_TIMING,
  type ClientEffect,
  type ClientInput,
  type ClientState,
  clientStep,
  nextTimerMs,
} from "./client-step.ts";
import { DueTimer } from "./due-timer.ts";
import { FirstSync } from "./first-sync.ts";
import { linkStatusOf, logConnection } from "./link-status.ts";
import { LinkTables } from "./link-tables.ts";
import type { MemberLinkDeps, MemberLinkOptions } from "./member-link-options.ts";
import { MessageIntake } from "./message-intake.ts";
import type { NetworkLink } from "./network-link.ts";
import type { Peer } from "./peer-table.ts";
import type { SavedState } from "./saved/saved-state.ts";
import type { SliceLink } from "./slice-link.ts";
import { SyncChannel } from "./sync-channel.ts";

/** What changes of network rows are told as by tables that tell changes by service. */
const NO_SERVICE = serviceOfRowKey(NETWORK_ROW_KEY);

/**
 * The member's side of sync over any transport: the step machine decides about the connection, tables hold
 * what the two sides know, and this joins them to clock and channel.
 */
export class MemberLink implements BrokerLink, NetworkLink, SliceLink {
  readonly #options: MemberLinkOptions;
  readonly #deps: MemberLinkDeps;
  readonly #tables: LinkTables;
  readonly #intake: MessageIntake;
  #state: ClientState = { kind: "idle" };
  readonly #channel: SyncChannel;
  #isStarted = false;
  readonly #firstSync: FirstSync;
  #isSessionSynced = false;
  readonly #timer: DueTimer;
  /** BOUNDED: by the controllers of one process. */
  readonly #listeners = new Set<(event: LinkEvent) => void>();

  constructor(options: MemberLinkOptions, deps: MemberLinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#timer = new DueTimer(deps.clock, () => this.#step({ kind: "timer" }));
    this.#tables = new LinkTables(options);
    const { subscription, mirror, own } = this.#tables;
    this.#intake = new MessageIntake(options.clusterId, { subscription, mirror, own, ...deps });
    this.#channel = new SyncChannel(deps.transport, {
      onMessage: (message) => this.#step({ kind: "message", message }),
      onDamaged: (reason) => this.#step({ kind: "violated", reason }),
      onWritable: () => this.#pump(),
      onClosed: (end) => this.#step({ kind: "closed", end }),
    });
    this.#firstSync = new FirstSync(deps.clock, () =>
      this.#emit({ kind: "peers-changed", clusters: "all" }),
    );
  }

  /** For the next process; undefined before the first sync. */
  saved(): SavedState | undefined {
    return this.#firstSync.isDone ? this.#tables.saved() : undefined;
  }

  /** Connects as soon as the namespaces are known, and stays connected until the signal aborts. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener("abort", () => this.#stop(), { once: true });
    this.#isStarted = true;
    this.#startWhenReady();
  }

  /**
   * Moves to a new stream at some moment within this time, whatever certificate and address the transport then has.
   * Nothing is lost: only differences travel.
   */
  reopen(withinMs: number): void {
    this.#step({ kind: "reopen", withinMs });
  }

  setGlobalNeed(need: GlobalNeed): Result<void, string> {
    const taken = this.#tables.network?.setNeed(need) ?? ok(undefined);
    this.#askForGlobals();
    return taken;
  }

  globalBlock(): GlobalBlock | undefined {
    return this.#tables.network?.block;
  }

  setOwnNetwork(facts: NetworkFacts | undefined): void {
    const { clusterId } = this.#options;
    this.#tables.own.setNetwork(facts && { ...facts, kind: "network", cluster: clusterId });
    this.#pump();
  }

  networks(): ReadonlyMap<ClusterId, NetworkRow> {
    return this.#tables.mirror.networks();
  }

  slices(): SliceSet | undefined {
    return this.#tables.slices?.slices;
  }

  setOwnRows(service: ServiceKey, rows: readonly ServiceRow[]): void {
    this.#tables.own.set(service, rows);
    this.#pump();
  }

  markOwnComplete(): void {
    // One of an earlier life of this process that took part.
    if (this.#tables.network === undefined) this.#tables.own.setNetwork(undefined);
    this.#tables.own.markComplete();
    this.#pump();
  }

  setNamespaces(namespaces: ReadonlySet<string>): void {
    const dropped = this.#tables.subscription.want(namespaces);
    this.#firstSync.drop(dropped);
    this.#tell(this.#tables.mirror.drop(dropped));
    this.#startWhenReady();
    this.#pump();
  }

  foreignRows(service: ServiceKey): readonly ServiceRow[] {
    return this.#tables.mirror.rows(service);
  }

  foreignServices(): Iterable<ServiceKey> {
    return this.#tables.mirror.services();
  }

  hasSynced(namespace?: string): boolean {
    return namespace === undefined ? this.#firstSync.isDone : this.#firstSync.has(namespace);
  }

  isKnown(cluster: ClusterId): boolean {
    if (cluster === this.#options.clusterId || this.#tables.mirror.isWhole(cluster)) return true;
    const peer = this.#tables.peers.get(cluster);
    return peer === undefined ? this.#firstSync.forgetsUnheard : peer.kind === "left";
  }

  peers(): ReadonlyMap<ClusterId, Peer> {
    return this.#tables.peers.all();
  }

  refusal(key: RowKey): string | undefined {
    return this.#tables.own.refusal(key);
  }

  isStored(key: RowKey): boolean {
    return this.#tables.own.isStored(key);
  }

  status(): LinkStatus {
    return linkStatusOf(this.#state, () => ({
      synced: this.#isSessionSynced,
      members: this.#tables.mirror.owners(),
    }));
  }

  subscribe(listener: (event: LinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #startWhenReady(): void {
    if (this.#isStarted && this.#tables.subscription.isKnown) this.#step({ kind: "start" });
  }

  #stop(): void {
    this.#firstSync.stop();
    this.#step({ kind: "stop" });
    this.#deps.transport.close();
  }

  #step(input: ClientInput): void {
    const { clock, random } = this.#deps;
    const moment = {
      nowMs: clock.monotonicMs(),
      backoffMs: (attempt: number) => backoffMs(CLIENT_TIMING.backoff, attempt, random),
      spreadMs: (withinMs: number) => withinMs * random.next(),
    };
    const { state, effects } = clientStep(this.#state, input, moment);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#timer.due(nextTimerMs(state));
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case "open":
        this.#open();
        return;
      case "close":
        this.#channel.close();
        return;
      case "ping":
        this.#channel.send({ $case: "ping", value: { nonce: effect.nonce } });
        return;
      case "apply":
        this.#apply(effect.message);
        return;
      case "session-ended":
        this.#endSession();
        return;
      case "connection-changed":
        logConnection(this.#state, this.#deps.log);
        this.#emit({ kind: "connection-changed" });
        return;
      default:
        assertNever(effect);
    }
  }

  #open(): void {
    this.#channel.open();
    this.#channel.send({ $case: "hello", value: this.#tables.begin() });
  }

  #endSession(): void {
    this.#channel.end();
    this.#isSessionSynced = false;
    this.#tables.end();
  }

  #apply(message: SingleMessage): void {
    if (message.$case === "presence") {
      this.#takePresence(message.value);
      return;
    }
    const news = this.#wholeOwner(message);
    const applied = this.#intake.take(message);
    if (!applied.ok) {
      this.#step({ kind: "violated", reason: applied.error });
      return;
    }
    this.#tell(applied.value);
    if (message.$case === "welcome") this.#welcomed(message.value);
    if (news !== undefined) this.#emit({ kind: "peers-changed", clusters: new Set([news]) });
    if (message.$case === "synced") this.#noteSynced();
    this.#pump();
  }

  /** In Hello alone: a need that came later begins a new stream. */
  #askForGlobals(): void {
    if (this.#tables.network?.isAsked === false && this.#state.kind === "open") this.reopen(0);
  }

  #welcomed(welcome: Welcome): void {
    if (this.#tables.network?.welcomed(welcome) === true) this.#emit({ kind: "networks-changed" });
    this.#askForGlobals();
    const told = this.#tables.slices?.welcomed(welcome);
    if (told?.ok === false) this.#step({ kind: "violated", reason: told.error });
    if (told?.ok === true && told.value) this.#emit({ kind: "slices-changed" });
  }

  #takePresence(news: PresenceMessage): void {
    const taken = this.#tables.peers.take(news, this.#deps.clock.monotonicMs());
    if (taken.ok) this.#emit({ kind: "peers-changed", clusters: taken.value });
    else this.#step({ kind: "violated", reason: taken.error });
  }

  /** The owner whose rows are whole for the first time with this message, once others may have waited for that. */
  #wholeOwner(message: SingleMessage): ClusterId | undefined {
    if (message.$case !== "ownerComplete" || !this.#firstSync.isDone) return undefined;
    const cluster = (message.value.version?.clusterId ?? "") as ClusterId;
    return this.#tables.mirror.isWhole(cluster) ? undefined : cluster;
  }

  #noteSynced(): void {
    this.#tables.slices?.synced();
    if (!this.#tables.subscription.isDelivered) return;
    if (!this.#isSessionSynced) {
      this.#isSessionSynced = true;
      this.#emit({ kind: "peers-changed", clusters: "all" });
    }
    if (!this.#firstSync.isDone) this.#deps.log.info("synced with broker");
    const namespaces = this.#firstSync.note(this.#tables.subscription.wanted);
    if (namespaces !== undefined) this.#emit({ kind: "synced", namespaces });
  }

  /** Sends what can be sent: what is left waits for the stream, coalesced by key. */
  #pump(): void {
    if (this.#state.kind !== "open") return;
    if (this.#channel.isWritable) {
      for (const value of this.#tables.subscription.changes()) {
        this.#channel.send({ $case: "subscribe", value });
      }
    }
    while (this.#channel.isWritable) {
      const message = this.#tables.own.next(this.#deps.clock.nowMs());
      if (message === undefined) return;
      this.#channel.send(message);
    }
  }

  #tell(services: ReadonlySet<ServiceKey>): void {
    for (const service of services) {
      if (service === NO_SERVICE) this.#emit({ kind: "networks-changed" });
      else this.#emit({ kind: "service-changed", service });
    }
  }

  #emit(event: LinkEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

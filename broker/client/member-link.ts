import type {
  BrokerMessage,
  MemberMessage,
  Presence as PresenceMessage,
  Welcome,
} from "../../api/broker/broker.gen.ts";
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
import { type SingleMessage, unpackBatch } from "../wire/batch.ts";
import type { BrokerLink, LinkEvent, LinkStatus } from "./broker-link.ts";
import {
  CLIENT_TIMING,
  type ClientEffect,
  type ClientInput,
  type ClientState,
  clientStep,
  nextTimerMs,
} from "./client-step.ts";
import { composeHello } from "./compose-hello.ts";
import { DueTimer } from "./due-timer.ts";
import { FirstSync } from "./first-sync.ts";
import { linkStatusOf, logConnection } from "./link-status.ts";
import type { MemberLinkDeps, MemberLinkOptions } from "./member-link-options.ts";
import { MessageIntake } from "./message-intake.ts";
import { Mirror } from "./mirror.ts";
import type { NetworkLink } from "./network-link.ts";
import { NetworkPart } from "./network-part.ts";
import { OwnRows } from "./own-rows.ts";
import { type Peer, PeerTable } from "./peer-table.ts";
import type { SavedState } from "./saved/saved-state.ts";
import type { SliceLink } from "./slice-link.ts";
import { SlicePart } from "./slice-part.ts";
import { Subscription } from "./subscription.ts";
import type { SyncStream } from "./sync-transport.ts";

/** What changes of network rows are told as by tables that tell changes by service. */
const NO_SERVICE = serviceOfRowKey(NETWORK_ROW_KEY);

/**
 * The member's side of sync over any transport: the step machine decides about the connection, mirror and
 * own rows hold what the two sides know, and this joins them to clock and stream.
 */
export class MemberLink implements BrokerLink, NetworkLink, SliceLink {
  readonly #options: MemberLinkOptions;
  readonly #deps: MemberLinkDeps;
  readonly #subscription = new Subscription();
  readonly #mirror = new Mirror(this.#subscription);
  readonly #own = new OwnRows();
  readonly #peers = new PeerTable();
  readonly #intake: MessageIntake;
  #state: ClientState = { kind: "idle" };
  #stream: SyncStream | undefined;
  /** Of a member that takes part in connectivity. */
  readonly #network: NetworkPart | undefined;
  readonly #slices: SlicePart | undefined;
  #isStarted = false;
  #isWritable = false;
  readonly #firstSync: FirstSync;
  #isSessionSynced = false;
  readonly #timer: DueTimer;
  /** BOUNDED: by the controllers of one process. */
  readonly #listeners = new Set<(event: LinkEvent) => void>();

  constructor(options: MemberLinkOptions, deps: MemberLinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#timer = new DueTimer(deps.clock, () => this.#step({ kind: "timer" }));
    this.#network = options.hasNetwork === true ? new NetworkPart() : undefined;
    this.#slices = options.keepsSlices === true ? new SlicePart() : undefined;
    this.#intake = new MessageIntake(options.clusterId, {
      subscription: this.#subscription,
      mirror: this.#mirror,
      own: this.#own,
      ...deps,
    });
    this.#firstSync = new FirstSync(deps.clock, () =>
      this.#emit({ kind: "peers-changed", clusters: "all" }),
    );
    if (options.saved === undefined) return;
    this.#mirror.restore(options.saved);
    this.#subscription.restore(options.saved.namespaces);
    this.#own.restore(options.saved.ownRows);
    this.#slices?.restore(options.saved.visibility);
  }

  /** For the next process; undefined before the first sync. */
  saved(): SavedState | undefined {
    if (!this.#firstSync.isDone) return undefined;
    return {
      ...this.#mirror.saved(),
      namespaces: [...this.#subscription.delivered],
      ownRows: this.#own.saved(),
      visibility: this.#slices?.visibility ?? "",
    };
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
    const taken = this.#network?.setNeed(need) ?? ok(undefined);
    this.#askForGlobals();
    return taken;
  }

  globalBlock(): GlobalBlock | undefined {
    return this.#network?.block;
  }

  setOwnNetwork(facts: NetworkFacts | undefined): void {
    const { clusterId } = this.#options;
    this.#own.setNetwork(facts && { ...facts, kind: "network", cluster: clusterId });
    this.#pump();
  }

  networks(): ReadonlyMap<ClusterId, NetworkRow> {
    return this.#mirror.networks();
  }

  slices(): SliceSet | undefined {
    return this.#slices?.slices;
  }

  setOwnRows(service: ServiceKey, rows: readonly ServiceRow[]): void {
    this.#own.set(service, rows);
    this.#pump();
  }

  markOwnComplete(): void {
    // One of an earlier life of this process that took part.
    if (this.#network === undefined) this.#own.setNetwork(undefined);
    this.#own.markComplete();
    this.#pump();
  }

  setNamespaces(namespaces: ReadonlySet<string>): void {
    const dropped = this.#subscription.want(namespaces);
    this.#firstSync.drop(dropped);
    this.#tell(this.#mirror.drop(dropped));
    this.#startWhenReady();
    this.#pump();
  }

  foreignRows(service: ServiceKey): readonly ServiceRow[] {
    return this.#mirror.rows(service);
  }

  foreignServices(): Iterable<ServiceKey> {
    return this.#mirror.services();
  }

  hasSynced(namespace?: string): boolean {
    return namespace === undefined ? this.#firstSync.isDone : this.#firstSync.has(namespace);
  }

  isKnown(cluster: ClusterId): boolean {
    if (cluster === this.#options.clusterId || this.#mirror.isWhole(cluster)) return true;
    const peer = this.#peers.get(cluster);
    return peer === undefined ? this.#firstSync.forgetsUnheard : peer.kind === "left";
  }

  peers(): ReadonlyMap<ClusterId, Peer> {
    return this.#peers.all();
  }

  refusal(key: RowKey): string | undefined {
    return this.#own.refusal(key);
  }

  isStored(key: RowKey): boolean {
    return this.#own.isStored(key);
  }

  status(): LinkStatus {
    return linkStatusOf(this.#state, () => ({
      synced: this.#isSessionSynced,
      members: this.#mirror.owners(),
    }));
  }

  subscribe(listener: (event: LinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #startWhenReady(): void {
    if (this.#isStarted && this.#subscription.isKnown) this.#step({ kind: "start" });
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
        this.#stream?.close();
        return;
      case "ping":
        this.#send({ $case: "ping", value: { nonce: effect.nonce } });
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
    const stream: SyncStream = this.#deps.transport.open({
      onMessage: ({ message }) => {
        this.#receive(stream, message);
      },
      onWritable: () => {
        if (this.#stream !== stream) return;
        this.#isWritable = true;
        this.#pump();
      },
      onClosed: (end) => {
        if (this.#stream === stream) this.#step({ kind: "closed", end });
      },
    });
    this.#stream = stream;
    this.#isWritable = true;
    const known = this.#mirror.known();
    const namespaces = this.#subscription.begin(known.length > 0);
    this.#mirror.keepRestored(new Set(namespaces));
    const value = composeHello({
      storeEpoch: this.#mirror.epoch,
      namespaces,
      known,
      cidrs: this.#options.cidrs ?? [],
      ownDigest: this.#own.listDigest(),
      network: this.#network?.hello(this.#subscription.areNetworksKnown),
      visibility: this.#slices?.visibility,
    });
    this.#send({ $case: "hello", value });
  }

  #receive(stream: SyncStream, message: BrokerMessage["message"]): void {
    if (this.#stream !== stream) return;
    if (message?.$case !== "batch") {
      this.#step({ kind: "message", message });
      return;
    }
    const unpacked = unpackBatch(message.value);
    if (!unpacked.ok) {
      this.#step({ kind: "violated", reason: unpacked.error });
      return;
    }
    for (const single of unpacked.value) {
      // One of them may have ended the stream.
      if (this.#stream === stream) this.#step({ kind: "message", message: single });
    }
  }

  #endSession(): void {
    this.#stream = undefined;
    this.#isSessionSynced = false;
    this.#subscription.end();
    this.#own.endSession();
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
    if (this.#network?.isAsked === false && this.#state.kind === "open") this.reopen(0);
  }

  #welcomed(welcome: Welcome): void {
    if (this.#network?.welcomed(welcome) === true) this.#emit({ kind: "networks-changed" });
    this.#askForGlobals();
    const told = this.#slices?.welcomed(welcome);
    if (told?.ok === false) this.#step({ kind: "violated", reason: told.error });
    if (told?.ok === true && told.value) this.#emit({ kind: "slices-changed" });
  }

  #takePresence(news: PresenceMessage): void {
    const taken = this.#peers.take(news, this.#deps.clock.monotonicMs());
    if (taken.ok) this.#emit({ kind: "peers-changed", clusters: taken.value });
    else this.#step({ kind: "violated", reason: taken.error });
  }

  /** The owner whose rows are whole for the first time with this message, once others may have waited for that. */
  #wholeOwner(message: SingleMessage): ClusterId | undefined {
    if (message.$case !== "ownerComplete" || !this.#firstSync.isDone) return undefined;
    const cluster = (message.value.version?.clusterId ?? "") as ClusterId;
    return this.#mirror.isWhole(cluster) ? undefined : cluster;
  }

  #noteSynced(): void {
    this.#slices?.synced();
    if (!this.#subscription.isDelivered) return;
    if (!this.#isSessionSynced) {
      this.#isSessionSynced = true;
      this.#emit({ kind: "peers-changed", clusters: "all" });
    }
    if (!this.#firstSync.isDone) this.#deps.log.info("synced with broker");
    const namespaces = this.#firstSync.note(this.#subscription.wanted);
    if (namespaces !== undefined) this.#emit({ kind: "synced", namespaces });
  }

  /** Sends what can be sent: what is left waits for the stream, coalesced by key. */
  #pump(): void {
    if (this.#state.kind !== "open") return;
    if (this.#isWritable) {
      for (const value of this.#subscription.changes()) this.#send({ $case: "subscribe", value });
    }
    while (this.#isWritable && this.#stream !== undefined) {
      const message = this.#own.next(this.#deps.clock.nowMs());
      if (message === undefined) return;
      this.#send(message);
    }
  }

  #send(message: NonNullable<MemberMessage["message"]>): void {
    if (this.#stream !== undefined && !this.#stream.send({ message })) this.#isWritable = false;
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

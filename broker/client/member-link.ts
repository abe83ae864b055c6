import type { BrokerMessage, MemberMessage } from "../../api/broker/broker.gen.ts";
import type { Row, RowKey } from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import { decodeRow } from "../wire/decode-row.ts";
import { parseRowKey, rowKeyOfMessage } from "../wire/parse-row-key.ts";
import type { BrokerLink, LinkEvent, LinkStatus } from "./broker-link.ts";
import {
  CLIENT_TIMING,
  type ClientEffect,
  type ClientInput,
  type ClientState,
  clientStep,
  nextTimerMs,
  PROTOCOL_VERSIONS,
} from "./client-step.ts";
import { Mirror } from "./mirror.ts";
import { OwnRows } from "./own-rows.ts";
import { Subscription } from "./subscription.ts";
import type { SyncStream, SyncTransport } from "./sync-transport.ts";

export interface MemberLinkOptions {
  readonly clusterId: ClusterId;
  /** CIDRs that this cluster's endpoint addresses lie in; empty: not announced. */
  readonly cidrs?: readonly string[];
}

interface Deps {
  readonly transport: SyncTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

type Broker = NonNullable<BrokerMessage["message"]>;
type Changed = ReadonlySet<ServiceKey>;

/**
 * The member's side of sync over any transport: the step machine decides about the connection, mirror and
 * own rows hold what the two sides know, and this joins them to clock and stream.
 */
export class MemberLink implements BrokerLink {
  readonly #options: MemberLinkOptions;
  readonly #deps: Deps;
  readonly #subscription = new Subscription();
  readonly #mirror = new Mirror(this.#subscription);
  readonly #own = new OwnRows();
  #state: ClientState = { kind: "idle" };
  #stream: SyncStream | undefined;
  #isStarted = false;
  #isWritable = false;
  #hasSynced = false;
  #isSessionSynced = false;
  #timer: { readonly timer: Timer; readonly dueMs: number } | undefined;
  /** BOUNDED: by the controllers of one process. */
  readonly #listeners = new Set<(event: LinkEvent) => void>();

  constructor(options: MemberLinkOptions, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Connects as soon as the namespaces are known, and stays connected until the signal aborts. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener("abort", () => this.#stop(), { once: true });
    this.#isStarted = true;
    this.#startWhenReady();
  }

  setOwnRows(service: ServiceKey, rows: readonly Row[]): void {
    this.#own.set(service, rows);
    this.#pump();
  }

  markOwnComplete(): void {
    this.#own.markComplete();
    this.#pump();
  }

  setNamespaces(namespaces: ReadonlySet<string>): void {
    const dropped = this.#subscription.want(namespaces);
    this.#tell(this.#mirror.drop(dropped));
    this.#startWhenReady();
    this.#pump();
  }

  foreignRows(service: ServiceKey): readonly Row[] {
    return this.#mirror.rows(service);
  }

  foreignServices(): Iterable<ServiceKey> {
    return this.#mirror.services();
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  refusal(key: RowKey): string | undefined {
    return this.#own.refusal(key);
  }

  isStored(key: RowKey): boolean {
    return this.#own.isStored(key);
  }

  status(): LinkStatus {
    const state = this.#state;
    if (state.kind === "open") {
      const members = this.#mirror.owners();
      return { kind: "connected", synced: this.#isSessionSynced, members };
    }
    if (state.kind !== "waiting" && state.kind !== "opening") {
      return { kind: "connecting", attempt: 0 };
    }
    const { attempt, end } = state;
    if (end === undefined) return { kind: "connecting", attempt };
    return end.kind === "rejected"
      ? { kind: "rejected", reason: end.reason }
      : { kind: "connecting", attempt, lastError: end.reason };
  }

  subscribe(listener: (event: LinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #startWhenReady(): void {
    if (this.#isStarted && this.#subscription.isKnown) this.#step({ kind: "start" });
  }

  #stop(): void {
    this.#step({ kind: "stop" });
    this.#deps.transport.close();
  }

  #step(input: ClientInput): void {
    const { clock, random } = this.#deps;
    const moment = {
      nowMs: clock.monotonicMs(),
      backoffMs: (attempt: number) => backoffMs(CLIENT_TIMING.backoff, attempt, random),
    };
    const { state, effects } = clientStep(this.#state, input, moment);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#arm();
  }

  /** A timer that fires early is harmless: each message moves the due time, the timer need not follow. */
  #arm(): void {
    const { clock } = this.#deps;
    const dueMs = nextTimerMs(this.#state);
    if (dueMs === undefined) {
      this.#timer?.timer.cancel();
      this.#timer = undefined;
      return;
    }
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return;
    this.#timer?.timer.cancel();
    // Whole milliseconds, rounded up: a timer that rounds down would fire before its time, again and again.
    const delayMs = Math.max(0, Math.ceil(dueMs - clock.monotonicMs()));
    const timer = clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#step({ kind: "timer" });
    });
    this.#timer = { timer, dueMs };
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
        this.#connectionChanged();
        return;
      default:
        assertNever(effect);
    }
  }

  #open(): void {
    const stream: SyncStream = this.#deps.transport.open({
      onMessage: ({ message }) => {
        if (this.#stream === stream) this.#step({ kind: "message", message });
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
    const hello = {
      protocolVersions: PROTOCOL_VERSIONS,
      storeEpoch: this.#mirror.epoch,
      namespaces: this.#subscription.begin(known.length > 0),
      known,
      cidrs: this.#options.cidrs ?? [],
    };
    this.#send({ $case: "hello", value: hello });
  }

  #endSession(): void {
    this.#stream = undefined;
    this.#isSessionSynced = false;
    this.#subscription.end();
    this.#own.endSession();
  }

  #connectionChanged(): void {
    const { log } = this.#deps;
    const state = this.#state;
    if (state.kind === "open") log.info("connected to broker");
    if (state.kind === "waiting") {
      const fields = { attempt: state.attempt, err: state.end.reason };
      if (state.end.kind === "rejected") log.error("rejected by broker", fields);
      else log.warn("connection to broker lost", fields);
    }
    this.#emit({ kind: "connection-changed" });
  }

  #apply(message: Broker): void {
    const applied = this.#take(message);
    if (!applied.ok) {
      this.#step({ kind: "violated", reason: applied.error });
      return;
    }
    this.#tell(applied.value);
    this.#pump();
  }

  /** Takes one message into the tables. Error: it makes no sense, so the stream cannot be trusted. */
  #take(message: Broker): Result<Changed, string> {
    switch (message.$case) {
      case "welcome":
        this.#mirror.beginSession(message.value.storeEpoch);
        this.#own.beginSession(message.value.sequence);
        return NO_CHANGE;
      case "synced":
        return ok(this.#synced(message.value.generation));
      case "stored":
        return ok(this.#own.stored(message.value.sequence));
      case "ownRowsEnd":
        return ok(this.#own.listEnded());
      case "ownRow":
        return this.#takeOwnRow(message);
      case "refused":
        return this.#takeRefused(message);
      case "ownerReset":
      case "rowPut":
      case "rowDelete":
      case "ownerComplete":
      case "ownerGone":
        return this.#takeForeign(message);
      case "pong":
        return NO_CHANGE;
      default:
        return assertNever(message);
    }
  }

  #takeOwnRow({ value }: Extract<Broker, { $case: "ownRow" }>): Result<Changed, string> {
    const key = parseRowKey(value.key);
    if (!key.ok) return key;
    if (this.#own.listed(key.value, value.sequence, value.digest)) return NO_CHANGE;
    return err("own rows at the broker must be within the limit of one cluster: got more");
  }

  #takeRefused({ value }: Extract<Broker, { $case: "refused" }>): Result<Changed, string> {
    const key = parseRowKey(value.key);
    // Not even the broker could read the key: our bug, which a new stream would only repeat.
    if (!key.ok) {
      this.#deps.log.error("own row refused without its key", { err: value.reason });
      return NO_CHANGE;
    }
    this.#deps.log.warn("own row refused by broker", { key: key.value, err: value.reason });
    return ok(this.#own.refused(key.value, value.sequence, value.reason));
  }

  #takeForeign(message: ForeignMessage): Result<Changed, string> {
    const owner = parseClusterId(ownerOf(message));
    if (!owner.ok) return owner;
    const cluster = owner.value;
    if (cluster === this.#options.clusterId) return NO_CHANGE;
    switch (message.$case) {
      case "ownerReset":
        this.#mirror.reset(cluster, message.value.namespaces);
        return NO_CHANGE;
      case "ownerComplete":
        return message.value.version === undefined
          ? err("OwnerComplete must hold a version: got none")
          : ok(this.#mirror.complete(cluster, message.value.version));
      case "ownerGone":
        return ok(this.#mirror.gone(cluster, message.value.incarnation));
      case "rowDelete": {
        const key = parseRowKey(message.value.key);
        return key.ok ? ok(this.#mirror.delete(cluster, message.value, key.value)) : key;
      }
      case "rowPut":
        return this.#takeRow(cluster, message);
      default:
        return assertNever(message);
    }
  }

  #takeRow(
    cluster: ClusterId,
    { value }: Extract<Broker, { $case: "rowPut" }>,
  ): Result<Changed, string> {
    if (value.row === undefined) return err("RowPut must hold a row: got none");
    const key = rowKeyOfMessage(value.row);
    if (!key.ok) return key;
    const row = decodeRow(cluster, value.row);
    if (row.ok) return ok(this.#mirror.put(cluster, value, key.value, row.value));
    // Another version's row: what we held of it is no longer true, and the rest of the stream is fine.
    this.#deps.log.debug("foreign row cannot be read", { cluster, key: key.value, err: row.error });
    return ok(this.#mirror.delete(cluster, value, key.value));
  }

  #synced(generation: number): Changed {
    this.#subscription.delivered(generation);
    const changed = this.#mirror.settle();
    if (!this.#subscription.isDelivered) return changed;
    this.#isSessionSynced = true;
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#deps.log.info("synced with broker");
      this.#emit({ kind: "synced" });
    }
    return changed;
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

  #tell(services: Changed): void {
    for (const service of services) this.#emit({ kind: "service-changed", service });
  }

  #emit(event: LinkEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

type ForeignMessage = Extract<
  Broker,
  { $case: "ownerReset" | "rowPut" | "rowDelete" | "ownerComplete" | "ownerGone" }
>;

const NO_CHANGE: Result<Changed, string> = ok(new Set<ServiceKey>());

function ownerOf(message: ForeignMessage): string {
  return message.$case === "ownerComplete"
    ? (message.value.version?.clusterId ?? "")
    : message.value.clusterId;
}

import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { err, type Result } from "../../api/result.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Outgoing } from "../core/outgoing.ts";
import type { Presence } from "../core/presence.ts";
import { Session, type SessionOptions } from "../core/session.ts";
import type { CloseReason, SessionEffect, SessionInput, SessionPeer } from "../core/session-io.ts";
import type { GlobalAllocator, GlobalNeed } from "../globals/global-block.ts";
import type { Store, StoreError, StoreSession } from "../store/store.ts";
import type { FirstSync, FirstSyncQueue } from "./first-sync-queue.ts";
import type { MessageBudget } from "./message-budget.ts";
import type { BrokerMetrics } from "./metrics.ts";
import type { StoreWaits } from "./store-waits.ts";
import type { WriteHops } from "./write-hops.ts";

/** A member's stream as the broker needs it: gRPC has one, tests and the simulation another. */
export interface Transport {
  /** False: nothing more until `writable` is called. */
  write(outgoing: Outgoing): boolean;
  pauseInput(): void;
  resumeInput(): void;
  /** Called at most once; nothing is written afterwards. */
  close(reason: CloseReason): void;
}

interface Deps {
  readonly store: Store;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly metrics: BrokerMetrics;
  /** The member's, whichever stream it uses. */
  readonly budget: MessageBudget;
  /** Asked again once the table shows what other replicas have stored. Error: this life of the cluster is over. */
  readonly checkLife: (peer: SessionPeer) => Result<void, string>;
  readonly firstSyncs: Pick<FirstSyncQueue, "enter" | "leave">;
  readonly globals: GlobalAllocator;
  readonly storeWaits: Pick<StoreWaits, "during">;
  /** Absent: nobody wants to know. */
  readonly hops: Pick<WriteHops, "nowMs" | "kept"> | undefined;
  /** One of its writes was refused. */
  readonly onRefused: () => void;
  readonly onClose: (connection: Connection, reason: CloseReason | undefined) => void;
}

const NOT_BEGUN = err<StoreError>({ kind: "store-failed", text: "cannot append before Hello" });

/** Heartbeat intervals in which a member must have read what it was sent. */
const UNREAD_INTERVALS = 12;

/** Performs what a session decides: between one stream and the store. Starts with its input paused. */
export class Connection {
  readonly peer: SessionPeer;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #deps: Deps;
  readonly #unreadLimitMs: number;
  /** Since Hello. */
  #writing: StoreSession | undefined;
  #isOpen = true;
  #isAdmitted = false;
  #isReading = false;
  /** Since when the stream takes nothing more; undefined: it does. */
  #blockedSinceMs: number | undefined;
  /** Runs while the member has used up its budget. */
  #budgetTimer: Timer | undefined;
  #behindSinceMs: number | undefined;
  /** In the line of those who are sent everything. */
  readonly #firstSync: FirstSync = { begin: () => this.#step({ kind: "turn" }) };
  #isInLine = false;

  constructor(
    options: Omit<SessionOptions, "nowMs" | "storeEpoch">,
    transport: Transport,
    deps: Deps,
  ) {
    this.peer = options.peer;
    this.#transport = transport;
    this.#deps = deps;
    this.#unreadLimitMs = UNREAD_INTERVALS * options.heartbeatIntervalMs;
    const { store, presence, clock } = deps;
    const sessionOptions = { ...options, storeEpoch: store.epoch, nowMs: clock.monotonicMs() };
    this.#session = new Session(sessionOptions, store.table, presence);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The member may speak. */
  admit(): void {
    this.#isAdmitted = true;
    this.#adjustInput();
  }

  receive(message: MemberMessage): void {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#deps.budget.spend(message.message, nowMs);
    this.#step({ kind: "message", message: message.message, nowMs });
  }

  /** The stream takes messages again. */
  writable(): void {
    this.#blockedSinceMs = undefined;
    this.#pump();
    this.#standInLine();
  }

  ownersChanged(clusters: ReadonlySet<ClusterId>): void {
    this.#behindSinceMs ??= this.#deps.clock.monotonicMs();
    this.#step({ kind: "owners-changed", clusters });
  }

  presenceChanged(clusters: ReadonlySet<ClusterId>): void {
    this.#step({ kind: "presence-changed", clusters });
  }

  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const unreadMs = nowMs - (this.#blockedSinceMs ?? nowMs);
    if (unreadMs > this.#unreadLimitMs) {
      const text = `member must read within ${this.#unreadLimitMs} ms: has not for ${Math.round(unreadMs)} ms`;
      this.close({ kind: "unread", text });
    }
    this.#checkExpiry();
    this.#step({ kind: "tick", nowMs });
  }

  /** The broker will stop: the member is asked to move to another one within this time. */
  askToMove(withinMs: number): void {
    this.#step({ kind: "go-away", withinMs });
  }

  /** A stream may not outlive the certificate that it was opened with: renewed members come back with the new one. */
  #checkExpiry(): void {
    const { certificateExpiresAtMs: expiresAtMs = Number.POSITIVE_INFINITY } = this.peer;
    if (expiresAtMs > this.#deps.clock.nowMs()) return;
    const at = new Date(expiresAtMs).toISOString();
    this.close({
      kind: "expired",
      text: `client certificate must be unexpired: it expired at ${at}`,
    });
  }

  /** The broker ends it. */
  close(reason: CloseReason): void {
    if (!this.#shut()) return;
    this.#transport.close(reason);
    this.#deps.onClose(this, reason);
  }

  /** The stream ended by itself. */
  ended(): void {
    if (this.#shut()) this.#deps.onClose(this, undefined);
  }

  /** False when it was shut already. */
  #shut(): boolean {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#budgetTimer?.cancel();
    if (this.#isInLine) this.#deps.firstSyncs.leave(this.#firstSync);
    return wasOpen;
  }

  #step(input: SessionInput): void {
    if (!this.#isOpen) return;
    for (const effect of this.#session.step(input)) this.#perform(effect);
    this.#adjustInput();
    this.#pump();
    this.#standInLine();
  }

  #standInLine(): void {
    if (!this.#isOpen) return;
    const { firstSyncs } = this.#deps;
    const isWanted = this.#session.firstSync !== "none";
    if (isWanted === this.#isInLine) return;
    this.#isInLine = isWanted;
    if (isWanted) firstSyncs.enter(this.#firstSync);
    else firstSyncs.leave(this.#firstSync);
  }

  #perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "append":
        void this.#append(effect).catch((error: unknown) => this.#storeThrew(error));
        return;
      case "settle":
        void this.#settle(effect.need).catch((error: unknown) => this.#storeThrew(error));
        return;
      case "refused":
        this.#deps.metrics.writes.add(1, { outcome: "refused" });
        this.#deps.onRefused();
        return;
      case "close":
        this.close(effect.reason);
        return;
      default:
        assertNever(effect);
    }
  }

  async #append({ records, sequence }: Extract<SessionEffect, { kind: "append" }>): Promise<void> {
    const { storeWaits, hops } = this.#deps;
    const arrivedMs = hops?.nowMs() ?? 0;
    const writing = this.#writing;
    // What waits in line and writes nothing is no write.
    const append = writing?.append(records) ?? Promise.resolve(NOT_BEGUN);
    const appended = await (records.length > 0 ? storeWaits.during(append) : append);
    if (!appended.ok) {
      this.#storeFailed(appended.error);
      return;
    }
    if (records.length > 0) this.#deps.metrics.writes.add(1, { outcome: "stored" });
    hops?.kept(records, arrivedMs);
    this.#step({ kind: "durable", sequence });
  }

  /** Takes the writing over from an earlier stream of this member, here or at another replica. */
  async #settle(need: GlobalNeed | undefined): Promise<void> {
    const begun = await this.#deps.store.openSession(this.peer.cluster);
    if (!begun.ok) {
      this.#storeFailed(begun.error);
      return;
    }
    const { replaced } = begun.value;
    this.#writing = begun.value;
    replaced.addEventListener("abort", () => this.#replaced(), { once: true });
    if (replaced.aborted) this.#replaced();
    const allowed = this.#deps.checkLife(this.peer);
    if (!allowed.ok) this.close({ kind: "over", text: allowed.error });
    if (need === undefined || !this.#isOpen) {
      this.#step({ kind: "settled" });
      return;
    }
    const globals = await this.#deps.globals.allocate(this.peer.cluster, need);
    if (globals.ok) this.#step({ kind: "settled", globals: globals.value });
    else this.close({ kind: "store-failed", text: globals.error });
  }

  /** Nothing was acknowledged: the member comes back and sends again what the broker lacks. */
  #storeFailed({ kind, text }: StoreError): void {
    this.close({ kind: kind === "replaced" ? "replaced" : "store-failed", text });
  }

  #storeThrew(error: unknown): void {
    this.close({ kind: "store-failed", text: String(error) });
  }

  #replaced(): void {
    const text = `only one stream per cluster: ${this.peer.cluster} opened another`;
    this.close({ kind: "replaced", text });
  }

  #adjustInput(): void {
    if (!this.#isOpen || !this.#isAdmitted) return;
    const isWanted = this.#session.wantsInput && this.#isInBudget();
    if (isWanted === this.#isReading) return;
    this.#isReading = isWanted;
    if (isWanted) this.#transport.resumeInput();
    else this.#transport.pauseInput();
  }

  #isInBudget(): boolean {
    const { budget, clock } = this.#deps;
    if (this.#budgetTimer !== undefined) return false;
    const waitMs = budget.waitMs(clock.monotonicMs());
    if (waitMs === 0) return true;
    this.#deps.metrics.pausedReading.add(waitMs / 1000, { cluster: this.peer.cluster });
    this.#budgetTimer = clock.setTimer(waitMs, () => {
      this.#budgetTimer = undefined;
      this.#adjustInput();
    });
    return false;
  }

  #pump(): void {
    while (this.#isOpen && this.#blockedSinceMs === undefined) {
      const outgoing = this.#session.pull(this.#deps.clock.monotonicMs());
      if (outgoing === undefined) {
        this.#caughtUp();
        // Telling refusals may have made room to read again.
        this.#adjustInput();
        return;
      }
      if (!this.#transport.write(outgoing)) {
        this.#blockedSinceMs = this.#deps.clock.monotonicMs();
      }
    }
  }

  #caughtUp(): void {
    if (this.#behindSinceMs === undefined) return;
    const lagMs = this.#deps.clock.monotonicMs() - this.#behindSinceMs;
    this.#behindSinceMs = undefined;
    this.#deps.metrics.fanOutLag.observe(lagMs / 1000);
  }
}

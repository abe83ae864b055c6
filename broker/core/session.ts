import type {
  MemberMessage,
  Refused,
  SliceScopes,
  Subscribe,
} from "../../api/broker/broker.gen.ts";
import { assertNever } from "../../api/invariant.ts";
import { denialOf } from "../../api/policy/namespace-rules.ts";
import { NO_BLOCK } from "../globals/global-block.ts";
import type { ClusterPolicy } from "../policy/cluster-policy.ts";
import { isClaimed, isForeign, isHidden, visibilityOf } from "../policy/cluster-slices.ts";
import { ANY_ADDRESS, type AnnouncedCidrs } from "../wire/address-rules.ts";
import { BATCH_CAPABILITY } from "../wire/batch.ts";
import { NETWORK_CAPABILITY } from "../wire/decode-network.ts";
import { LIMITS } from "../wire/limits.ts";
import { encodeSliceScopes, SLICES_CAPABILITY } from "../wire/slice-scopes.ts";
import { Batcher } from "./batcher.ts";
import type { TableView } from "./broker-table.ts";
import type { Outgoing, SingleOutgoing } from "./outgoing.ts";
import { OwnList } from "./own-list.ts";
import { OwnWrites, type Verdict } from "./own-writes.ts";
import { type ParsedHello, parseHello, parseSubscribe, tooManyNamespaces } from "./parse-hello.ts";
import type { Presence } from "./presence.ts";
import { PresenceTeller } from "./presence-teller.ts";
import type { CloseReason, SessionEffect, SessionInput, SessionPeer } from "./session-io.ts";
import type { SharedBatches } from "./shared-batches.ts";
import { Subscriber } from "./subscriber.ts";

export interface SessionOptions {
  readonly peer: SessionPeer;
  readonly clusterset: string;
  readonly storeEpoch: string;
  readonly heartbeatIntervalMs: number;
  /** What the hub lets this cluster do, for the life of the stream. */
  readonly policy: ClusterPolicy;
  /** Monotonic. */
  readonly nowMs: number;
  /** Of all streams of the hub. @default of this one */
  readonly batches?: SharedBatches;
}

/** Of a member that comes with nothing: it waits for its turn to be sent everything, and is done with the first Synced. */
export type FirstSyncState = "waiting" | "running" | "none";

type Phase = "new" | "settling" | "open" | "closed";

/** Intervals without a message after which a stream is given up. */
const SILENT_INTERVALS = 3;

/**
 * One member's stream, seen from the broker: what to do about each input, and (pull) what to say next.
 * Deterministic, without IO: the same inputs and pulls give the same effects and messages.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #table: TableView;
  readonly #writes: OwnWrites;
  readonly #subscriber: Subscriber;
  readonly #presence: PresenceTeller;
  readonly #visibility: string;
  #phase: Phase = "new";
  #hello: ParsedHello | undefined;
  #cidrs: AnnouncedCidrs = ANY_ADDRESS;
  #globals = NO_BLOCK;
  #heardMs: number;
  #isWelcomeDue = false;
  /** Undefined once all of it was said. */
  #ownList: OwnList | undefined;
  /** BOUNDED: by LIMITS.unreadRefusals: beyond, wantsInput is false. */
  #refusals: Refused[] = [];
  #storedSequence: number | undefined;
  #pongNonce: number | undefined;
  #goAwayWithinMs: number | undefined;
  #firstSync: FirstSyncState = "none";
  /** Of a member that takes batches. */
  #batcher: Batcher | undefined;

  constructor(options: SessionOptions, table: TableView, presence: Presence) {
    this.#options = options;
    this.#table = table;
    const { peer, policy } = options;
    this.#writes = new OwnWrites(peer, table, { policy });
    const isDenied = (namespace: string): boolean =>
      denialOf(policy.imports, namespace) !== undefined || this.#isKeptFrom(namespace);
    this.#subscriber = new Subscriber(peer.cluster, table, isDenied, (owner, namespace) =>
      isHidden(policy.slices, owner, namespace),
    );
    this.#visibility = visibilityOf(policy.slices);
    this.#presence = new PresenceTeller(options.peer.cluster, table, presence);
    this.#heardMs = options.nowMs;
  }

  /** False while nothing more should be read from the member: its own backlog is at a limit. */
  get wantsInput(): boolean {
    return (
      this.#phase === "new" ||
      (this.#phase === "open" &&
        !this.#writes.isFull &&
        this.#refusals.length < LIMITS.unreadRefusals)
    );
  }

  /** While it waits it is sent no rows, and everything else. */
  get firstSync(): FirstSyncState {
    return this.#phase === "closed" ? "none" : this.#firstSync;
  }

  step(input: SessionInput): readonly SessionEffect[] {
    if (this.#phase === "closed") return [];
    switch (input.kind) {
      case "message":
        this.#heardMs = input.nowMs;
        return this.#receive(input.message);
      case "settled":
        this.#globals = input.globals ?? NO_BLOCK;
        this.#open();
        return [];
      case "turn":
        if (this.#firstSync === "waiting") this.#firstSync = "running";
        return [];
      case "durable":
        this.#writes.durable(input.sequence);
        this.#storedSequence = Math.max(this.#storedSequence ?? 0, input.sequence);
        return [];
      case "owners-changed":
        if (this.#phase === "open") {
          for (const cluster of input.clusters) this.#subscriber.ownerChanged(cluster);
        }
        return [];
      case "presence-changed":
        if (this.#phase === "open") {
          for (const cluster of input.clusters) this.#presence.changed(cluster);
        }
        return [];
      case "tick":
        return this.#tick(input.nowMs);
      case "go-away":
        this.#goAwayWithinMs = input.withinMs;
        return [];
      default:
        return assertNever(input);
    }
  }

  /** The next message for the member at this moment; undefined when there is nothing to say. */
  pull(nowMs: number): Outgoing | undefined {
    if (this.#phase !== "open") return undefined;
    if (this.#isWelcomeDue) return this.#welcome();
    const next = (): SingleOutgoing | undefined => this.#next(nowMs);
    return this.#batcher === undefined ? next() : this.#batcher.pull(next);
  }

  #next(nowMs: number): SingleOutgoing | undefined {
    if (this.#goAwayWithinMs !== undefined) {
      const withinMs = this.#goAwayWithinMs;
      this.#goAwayWithinMs = undefined;
      return say({ $case: "goAway", value: { withinMs } });
    }
    const refusal = this.#refusals.shift();
    if (refusal !== undefined) return say({ $case: "refused", value: refusal });
    if (this.#storedSequence !== undefined) {
      const sequence = this.#storedSequence;
      this.#storedSequence = undefined;
      return say({ $case: "stored", value: { sequence } });
    }
    if (this.#pongNonce !== undefined) {
      const nonce = this.#pongNonce;
      this.#pongNonce = undefined;
      return say({ $case: "pong", value: { nonce } });
    }
    if (this.#ownList !== undefined) return this.#tellOwn(this.#ownList);
    // Before rows and Synced: who is not complete is to be known by then.
    const presence = this.#presence.next(nowMs);
    if (presence !== undefined) return say({ $case: "presence", value: presence });
    if (this.#firstSync === "waiting") return undefined;
    const outgoing = this.#subscriber.pull();
    const isSynced = outgoing?.kind === "message" && outgoing.message.$case === "synced";
    if (isSynced) this.#firstSync = "none";
    return outgoing;
  }

  #receive(message: MemberMessage["message"]): readonly SessionEffect[] {
    if (message === undefined) {
      // A newer member may say more than we know: what an older broker need not understand is skipped.
      if (this.#phase !== "new") return [];
      return this.#close("first message must be Hello: got an empty or unknown one");
    }
    if (message.$case === "hello") {
      if (this.#phase !== "new") return this.#close("Hello must be sent once: got another");
      const hello = parseHello(message.value);
      if (!hello.ok) return this.#close(hello.error);
      this.#hello = hello.value;
      this.#phase = "settling";
      const { globalNeed: need } = hello.value;
      return [{ kind: "settle", ...(need === undefined ? {} : { need }) }];
    }
    if (this.#phase !== "open") {
      return this.#close(`first message must be Hello: got ${message.$case}`);
    }
    switch (message.$case) {
      case "subscribe":
        return this.#subscribe(message.value);
      case "put":
        return this.#decide(this.#writes.put(message.value, this.#cidrs, this.#globals));
      case "delete":
        return this.#decide(this.#writes.delete(message.value));
      case "ownComplete":
        return this.#decide(this.#writes.complete());
      case "ping":
        this.#pongNonce = message.value.nonce;
        return [];
      default:
        return assertNever(message);
    }
  }

  #open(): void {
    const hello = this.#hello;
    if (this.#phase !== "settling" || hello === undefined) return;
    this.#phase = "open";
    this.#cidrs = hello.cidrs;
    if (hello.takesBatches) this.#batcher = new Batcher(this.#options.batches);
    this.#writes.start();
    const isSameEpoch = hello.storeEpoch === this.#options.storeEpoch;
    const { namespaces, known, networks } = hello;
    // One that does not know of slices holds nothing of theirs, now and before.
    const { visibility = this.#visibility } = hello;
    const isSameVisibility = visibility === this.#visibility;
    this.#subscriber.start(namespaces, known, isSameEpoch, networks, isSameVisibility);
    if (hello.known.length === 0 || !isSameEpoch) this.#firstSync = "waiting";
    this.#presence.start();
    this.#isWelcomeDue = true;
    this.#ownList = new OwnList(this.#table.owner(this.#options.peer.cluster), hello.ownDigest);
  }

  /** By slices, as a whole: a member that does not know of them would show their services to anybody. */
  #isKeptFrom(namespace: string): boolean {
    const { slices } = this.#options.policy;
    return this.#hello?.visibility === undefined
      ? isClaimed(slices, namespace)
      : isForeign(slices, namespace);
  }

  #subscribe(message: Subscribe): readonly SessionEffect[] {
    const parsed = parseSubscribe(message);
    if (!parsed.ok) return this.#close(parsed.error);
    const { add, remove, generation } = parsed.value;
    this.#subscriber.subscribe(add, remove, generation);
    const count = this.#subscriber.namespaceCount;
    return count > LIMITS.namespacesPerMember ? this.#close(tooManyNamespaces(count)) : [];
  }

  #decide({ records, storedSequence, refusal }: Verdict): readonly SessionEffect[] {
    const effects: SessionEffect[] = [];
    if (refusal !== undefined) {
      this.#refusals.push(refusal);
      effects.push({ kind: "refused" });
    }
    if (storedSequence !== undefined) {
      effects.push({ kind: "append", records, sequence: storedSequence });
    }
    return effects;
  }

  #tick(nowMs: number): readonly SessionEffect[] {
    // Not heard because not read: that is no silence.
    if (!this.wantsInput && this.#phase !== "new") this.#heardMs = nowMs;
    const limitMs = SILENT_INTERVALS * this.#options.heartbeatIntervalMs;
    const silentMs = nowMs - this.#heardMs;
    if (silentMs <= limitMs) return [];
    const text = `member must send within ${limitMs} ms: silent for ${Math.round(silentMs)} ms`;
    return this.#close(text, "silent");
  }

  #welcome(): SingleOutgoing {
    this.#isWelcomeDue = false;
    const { clusterset, storeEpoch, heartbeatIntervalMs, peer } = this.#options;
    return say({
      $case: "welcome",
      value: {
        protocolVersion: this.#hello?.protocolVersion ?? 0,
        clusterset,
        storeEpoch,
        incarnation: peer.incarnation,
        sequence: this.#writes.lastSequence,
        heartbeatIntervalMs,
        capabilities: this.#capabilities(),
        ...(this.#hello?.globalNeed === undefined ? {} : { globalBlock: this.#globals }),
        ...(this.#hello?.visibility === undefined ? {} : { slices: this.#sliceScopes() }),
      },
    });
  }

  #sliceScopes(): SliceScopes {
    return encodeSliceScopes(this.#visibility, this.#options.policy.slices.own);
  }

  #capabilities(): string[] {
    const takesNetworks = this.#hello !== undefined && this.#hello.networks !== "none";
    return [
      ...(this.#batcher === undefined ? [] : [BATCH_CAPABILITY]),
      ...(takesNetworks ? [NETWORK_CAPABILITY] : []),
      ...(this.#hello?.visibility === undefined ? [] : [SLICES_CAPABILITY]),
    ];
  }

  #tellOwn(list: OwnList): SingleOutgoing {
    const told = list.next(this.#table.owner(this.#options.peer.cluster));
    if (told.$case === "ownRowsEnd") this.#ownList = undefined;
    return say(told);
  }

  #close(text: string, kind: CloseReason["kind"] = "protocol"): readonly SessionEffect[] {
    this.#phase = "closed";
    return [{ kind: "close", reason: { kind, text } }];
  }
}

function say(message: Extract<SingleOutgoing, { kind: "message" }>["message"]): SingleOutgoing {
  return { kind: "message", message };
}

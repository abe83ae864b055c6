import type { Duplex } from "node:stream";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { ResetCode } from "../frame/frame-type.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import type { CreditBudget } from "../stream/credit-budget.ts";
import type { SessionLimits } from "../stream/session-limits.ts";
import { TunnelSession } from "../stream/tunnel-session.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import { TunnelConnection } from "./tunnel-connection.ts";

/** How a tunnel is carried: on its own connection, or inside a stream through other members. */
export type TunnelPath = "direct" | "relayed";

export interface TunnelFacts {
  readonly peer: ClusterId;
  readonly isDialler: boolean;
  readonly path: TunnelPath;
  /** Of a relayed tunnel that we asked for: the neighbour that carries it. */
  readonly via?: ClusterId;
  /** End of the peer's certificate, wall time: no new streams after it. */
  readonly expiresAtMs: number;
}

/** What a tunnel tells its user. */
export interface TunnelEvents {
  /** The peer has said hello: streams may be opened. */
  onUp(tunnel: Tunnel): void;
  /** The peer opened a stream: set its handler, then accept or reset it. */
  onStream(stream: TunnelStream, tunnel: Tunnel): void;
  onRoutes(payload: Uint8Array, tunnel: Tunnel): void;
  /** Called once. */
  onDown(tunnel: Tunnel, reason: string): void;
}

export interface TunnelDeps {
  readonly clock: Clock;
  readonly budget: CreditBudget;
  readonly limits: SessionLimits;
  /** See Hello. */
  readonly instance: number;
}

const PING_EVERY_MS = 1_000;
/**
 * So many beats without an answer and the tunnel is dead: 5 s, where TCP alone would need minutes. Beats and not time: when
 * this process or its machine has stood still, the answers that came meanwhile are read before the next beat.
 */
const DEAD_AFTER_BEATS = 5;
/** One beat to ask, and one without an answer. */
const LATE_AFTER_BEATS = 2;
/** Of so many round trips the lowest is what the way costs; others have waited for a process that was busy. */
const RTTS_KEPT = 10;

/** One tunnel to one peer, whose identity has been checked. */
export class Tunnel {
  readonly facts: TunnelFacts;
  readonly #deps: TunnelDeps;
  readonly #events: TunnelEvents;
  readonly #session: TunnelSession;
  readonly #connection: TunnelConnection;
  #timer: Timer | undefined;
  #isUp = false;
  #isDraining = false;
  #pingToken = 0;
  #pingAtMs = 0;
  #unansweredBeats = 0;
  #isPingOut = false;
  /** The latest one first. BOUNDED: by RTTS_KEPT. */
  #rttsMs: readonly number[] = [];
  #rttFloorMs: number | undefined;

  constructor(socket: Duplex, facts: TunnelFacts, events: TunnelEvents, deps: TunnelDeps) {
    this.facts = facts;
    this.#deps = deps;
    this.#events = events;
    let isStarted = false;
    this.#session = new TunnelSession(
      { isDialler: facts.isDialler, limits: deps.limits, instance: deps.instance },
      {
        credit: deps.budget.of(facts.peer),
        events: {
          onOutput: () => {
            if (isStarted) this.#connection.scheduleWrite();
          },
          onHello: () => this.#onHello(),
          onOpen: (stream) => events.onStream(stream, this),
          onPong: (token) => this.#onPong(token),
          onGoAway: () => undefined,
          onRoutes: (payload) => events.onRoutes(payload, this),
          onIdle: () => this.#onIdle(),
        },
      },
    );
    this.#connection = new TunnelConnection(socket, this.#session, {
      clock: deps.clock,
      onClosed: (reason) => {
        this.#timer?.cancel();
        events.onDown(this, reason);
      },
    });
    isStarted = true;
    this.#connection.scheduleWrite();
    this.#beat();
  }

  /** Of the latest ping, milliseconds; undefined: not yet. */
  get rttMs(): number | undefined {
    return this.#rttsMs[0];
  }

  /** The lowest of the latest pings. */
  get rttFloorMs(): number | undefined {
    return this.#rttFloorMs;
  }

  /** An answer is overdue: it may be dead, or its peer stand still. */
  get isLate(): boolean {
    return this.#unansweredBeats >= LATE_AFTER_BEATS;
  }

  get streamCount(): number {
    return this.#session.streamCount;
  }

  get bytesIn(): number {
    return this.#connection.bytesIn;
  }

  get bytesOut(): number {
    return this.#connection.bytesOut;
  }

  /** Whether new streams may be opened on it now. */
  get canOpen(): boolean {
    return this.#isUp && this.#session.canOpen && this.#deps.clock.nowMs() < this.facts.expiresAtMs;
  }

  /** Undefined: not now. Set the handler first. */
  open(header: OpenHeader): TunnelStream | undefined {
    return this.canOpen ? this.#session.open(header) : undefined;
  }

  sendRoutes(payload: Uint8Array): void {
    if (this.#isUp) this.#session.sendRoutes(payload);
  }

  /** Opens and takes no new streams; closes when the last one has ended. */
  drain(): void {
    this.#isDraining = true;
    this.#session.drain();
  }

  close(reason: string, code: ResetCode = "going-away"): void {
    this.#connection.close(reason, code);
  }

  #onHello(): void {
    this.#isUp = true;
    this.#unansweredBeats = 0;
    this.#events.onUp(this);
  }

  #onIdle(): void {
    // What has been said last, the end of the last stream too, goes out first.
    if (this.#isDraining) this.#connection.endAfterOutput("drained");
  }

  #onPong(token: number): void {
    if (token !== this.#pingToken) return;
    this.#isPingOut = false;
    this.#unansweredBeats = 0;
    const rttMs = this.#deps.clock.monotonicMs() - this.#pingAtMs;
    this.#rttsMs = [rttMs, ...this.#rttsMs.slice(0, RTTS_KEPT - 1)];
    this.#rttFloorMs = Math.min(...this.#rttsMs);
  }

  #beat(): void {
    this.#timer = this.#deps.clock.setTimer(PING_EVERY_MS, () => this.#beat());
    if (this.#unansweredBeats >= DEAD_AFTER_BEATS) {
      this.close(`no answer for ${DEAD_AFTER_BEATS} beats of ${PING_EVERY_MS} ms`, "reset");
      return;
    }
    // The first answer that is waited for is the hello.
    this.#unansweredBeats += 1;
    // One at a time: a late answer is an answer.
    if (!this.#isUp || this.#isPingOut) return;
    this.#isPingOut = true;
    this.#pingToken = (this.#pingToken + 1) >>> 0;
    this.#pingAtMs = this.#deps.clock.monotonicMs();
    this.#session.ping(this.#pingToken);
  }
}

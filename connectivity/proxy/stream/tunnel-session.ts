import { FrameReader, type FrameSink } from "../frame/frame-reader.ts";
import { FRAME, RESET_CODES, type ResetCode, resetCodeOf } from "../frame/frame-type.ts";
import { decodeHello, encodeHello, type Hello, VERSIONS } from "../frame/hello.ts";
import { decodeOpenHeader, encodeOpenHeader, type OpenHeader } from "../frame/open-header.ts";
import { controlFrame, numberFrame, numberOf } from "../frame/write-frame.ts";
import type { PeerCredit } from "./credit-budget.ts";
import { DataIntake } from "./data-intake.ts";
import { OpenRate } from "./open-rate.ts";
import type { SessionLimits } from "./session-limits.ts";
import { SessionOutput } from "./session-output.ts";
import { StreamTable } from "./stream-table.ts";
import type { StreamOwner, TunnelStream } from "./tunnel-stream.ts";

/** What a session tells the tunnel that it belongs to. */
export interface SessionEvents {
  /** `fill` has something to give; said once, until `fill` has given everything. */
  onOutput(): void;
  /** The peer's first frame: streams may be opened. */
  onHello(hello: Hello): void;
  /** The peer opened a stream: set its handler, then accept or reset it, now or later. */
  onOpen(stream: TunnelStream): void;
  /** An answer to `ping`. */
  onPong(token: number): void;
  /** The peer takes no new streams: open them elsewhere. */
  onGoAway(): void;
  onRoutes(payload: Uint8Array): void;
  /** No stream is left. */
  onIdle(): void;
}

export interface SessionOptions {
  /** Exactly one of the two ends: it has the odd stream numbers. */
  readonly isDialler: boolean;
  readonly limits: SessionLimits;
  /** See Hello. */
  readonly instance: number;
}

/**
 * One end of a tunnel, without IO and without a clock: bytes of the peer go into `receive`, bytes for it come out of
 * `fill`. Many streams with credit of their own each: a reader that stalls stops only its own stream.
 *
 * BOUNDED: streams by StreamTable; bytes received and not consumed by the credit given; what is to be sent by SessionOutput.
 */
export class TunnelSession implements StreamOwner, FrameSink {
  readonly #events: SessionEvents;
  readonly #reader = new FrameReader(this);
  readonly #table: StreamTable;
  readonly #opens: OpenRate;
  readonly #data: DataIntake;
  readonly #output: SessionOutput;
  #hasJustOpened = false;
  #peer: Hello | undefined;
  #isDraining = false;
  #isPeerDraining = false;
  #failure: string | undefined;
  #nowMs = 0;

  constructor(
    { isDialler, limits, instance }: SessionOptions,
    { events, credit }: { readonly events: SessionEvents; readonly credit: PeerCredit },
  ) {
    this.#events = events;
    this.#table = new StreamTable(isDialler, limits, credit);
    this.#data = new DataIntake(this.#table);
    this.#output = new SessionOutput({
      onOutput: () => events.onOutput(),
      onEndSent: (stream) => this.#removeIfDone(stream),
      onFlood: (reason) => this.#fail(reason),
    });
    this.#opens = new OpenRate(limits.opensPerSecond);
    const hello = encodeHello({
      oldestVersion: VERSIONS.oldest,
      newestVersion: VERSIONS.newest,
      windowBytes: limits.firstWindowBytes,
      streamsMax: limits.streamsMax,
      instance,
    });
    this.#output.control(controlFrame(FRAME.hello, 0, hello));
  }

  get streamCount(): number {
    return this.#table.size;
  }

  /** Why the session is over: the peer broke the protocol. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether `open` gives streams, as long as there is room for them. */
  get canOpen(): boolean {
    const isUsable = this.#failure === undefined && !this.#isDraining && !this.#isPeerDraining;
    return isUsable && this.#peer !== undefined && this.#table.hasIds;
  }

  /** Undefined: not now, see `canOpen`, or a limit is reached. Data may be sent at once; set the handler first. */
  open(header: OpenHeader): TunnelStream | undefined {
    if (!this.canOpen) return undefined;
    const stream = this.#add(this.#table.takeOwnId(), header);
    if (stream === undefined) return undefined;
    this.#hasJustOpened = true;
    this.#output.control(controlFrame(FRAME.open, stream.id, encodeOpenHeader(header)));
    return stream;
  }

  /** Whether streams have been opened since this was asked last: their first bytes are likely to follow at once. */
  takeJustOpened(): boolean {
    const hasJustOpened = this.#hasJustOpened;
    this.#hasJustOpened = false;
    return hasJustOpened;
  }

  ping(token: number): void {
    this.#output.control(numberFrame(FRAME.ping, 0, token));
  }

  sendRoutes(payload: Uint8Array): void {
    this.#output.control(controlFrame(FRAME.routes, 0, payload));
  }

  /** Takes no new streams from now on and asks the peer to open none. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#output.control(numberFrame(FRAME.goAway, 0, this.#table.lastPeerId));
    this.#tellIfIdle();
  }

  /** The connection is gone: all streams are reset. */
  close(code: ResetCode): void {
    this.#failure ??= "closed";
    this.#reader.stop();
    for (const stream of this.#table.all()) {
      this.#table.remove(stream);
      stream.handler?.onReset(code);
    }
    this.#output.clear();
  }

  /** Takes bytes from the peer. False: it broke the protocol, and `failure` says how; close the connection. */
  receive(chunk: Uint8Array, nowMs: number): boolean {
    if (this.#failure !== undefined) return false;
    this.#nowMs = nowMs;
    const read = this.#reader.push(chunk);
    if (!read.ok) this.#fail(read.error);
    return this.#failure === undefined;
  }

  /**
   * Writes what is to be sent to `target`, which must have room for a datagram and its header. Returns how many bytes;
   * 0: nothing to send until the next `onOutput`.
   */
  fill(target: Uint8Array): number {
    return this.#output.fill(target);
  }

  // Of StreamOwner: what its streams ask for.

  get isCrowded(): boolean {
    return this.#output.isCrowded;
  }

  onQueued(bytes: number): void {
    this.#output.queued(bytes);
  }

  onReady(stream: TunnelStream): void {
    this.#output.ready(stream);
  }

  onAccepted(stream: TunnelStream): void {
    this.#output.control(controlFrame(FRAME.opened, stream.id));
  }

  onResetByUser(stream: TunnelStream, code: ResetCode): void {
    this.#table.remove(stream);
    this.#output.control(numberFrame(FRAME.reset, stream.id, RESET_CODES[code]));
    this.#tellIfIdle();
  }

  onConsumed(stream: TunnelStream, bytes: number): void {
    const credit = this.#table.creditFor(stream, bytes, this.#nowMs);
    if (credit > 0) this.#output.control(numberFrame(FRAME.window, stream.id, credit));
  }

  // Of FrameSink: what the peer sends.

  onDataStart(id: number, length: number): void {
    if (this.#peer === undefined) return this.#fail("first frame must be hello: got data");
    const wrong = this.#data.start(id, length);
    if (wrong !== undefined) this.#fail(wrong);
  }

  onDataPiece(piece: Uint8Array, isLast: boolean): void {
    if (this.#failure === undefined) this.#data.piece(piece, isLast);
  }

  onFrame(type: number, id: number, payload: Uint8Array): void {
    if (this.#peer === undefined) return this.#takeHello(type, payload);
    switch (type) {
      case FRAME.hello:
        return this.#fail("hello must come once: it came again");
      case FRAME.open:
        return this.#takeOpen(id, payload);
      case FRAME.ping:
        return this.#output.control(controlFrame(FRAME.pong, 0, payload.subarray(0, 8)));
      case FRAME.pong:
        return this.#events.onPong(numberOf(payload) ?? 0);
      case FRAME.goAway:
        this.#isPeerDraining = true;
        return this.#events.onGoAway();
      case FRAME.routes:
        return this.#events.onRoutes(payload);
      case FRAME.opened:
      case FRAME.end:
      case FRAME.reset:
      case FRAME.window:
        return this.#takeOfStream(type, id, payload);
      default:
      // Of a later version, and optional: FrameReader refuses others.
    }
  }

  #takeHello(type: number, payload: Uint8Array): void {
    if (type === FRAME.full) {
      return this.#fail(
        `no room: the peer takes at most ${numberOf(payload) ?? "some"} tunnels of one member`,
      );
    }
    if (type !== FRAME.hello) return this.#fail(`first frame must be hello: got type ${type}`);
    const hello = decodeHello(payload);
    if (!hello.ok) return this.#fail(hello.error);
    this.#peer = hello.value;
    this.#table.allowOwn(hello.value.streamsMax);
    this.#events.onHello(hello.value);
  }

  #takeOpen(id: number, payload: Uint8Array): void {
    if (!this.#table.takePeerId(id)) {
      return this.#fail(`stream number must be the peer's to give and grow: got ${id}`);
    }
    const header = decodeOpenHeader(payload);
    if (!header.ok) return this.#fail(header.error);
    if (this.#isDraining) return this.#refuse(id, "going-away");
    if (!this.#opens.tryTake(this.#nowMs)) return this.#refuse(id, "overload");
    const stream = this.#add(id, header.value);
    if (stream === undefined) return this.#refuse(id, "overload");
    this.#events.onOpen(stream);
  }

  #takeOfStream(type: number, id: number, payload: Uint8Array): void {
    const stream = this.#table.get(id);
    if (stream === undefined) {
      if (!this.#table.wasOpen(id)) {
        this.#fail(`stream must have been opened: got frame of type ${type} on ${id}`);
      }
    } else if (type === FRAME.opened) {
      if (stream.isAccepted || !this.#table.isOwn(id)) {
        return this.#fail(`stream must be opened once, by who was asked: got ${id}`);
      }
      stream.isAccepted = true;
      stream.handler?.onOpened();
    } else if (type === FRAME.end) {
      if (stream.hasPeerEnded) return this.#fail(`end must come once: got it again on ${id}`);
      stream.hasPeerEnded = true;
      stream.handler?.onEnd();
      this.#removeIfDone(stream);
    } else if (type === FRAME.reset) {
      this.#table.remove(stream);
      stream.handler?.onReset(resetCodeOf(numberOf(payload) ?? 0));
      this.#tellIfIdle();
    } else {
      const bytes = numberOf(payload) ?? 0;
      if (bytes === 0 || stream.sendCredit + bytes > 0x7fff_ffff) {
        return this.#fail(`credit must be 1 to 2^31-1 in all: got ${bytes} more on stream ${id}`);
      }
      stream.addCredit(bytes);
    }
  }

  #add(id: number, header: OpenHeader): TunnelStream | undefined {
    const sendCredit = this.#peer?.windowBytes ?? 0;
    return this.#table.add(id, header, { owner: this, sendCredit, nowMs: this.#nowMs });
  }

  #refuse(id: number, code: ResetCode): void {
    this.#output.control(numberFrame(FRAME.reset, id, RESET_CODES[code]));
  }

  #removeIfDone(stream: TunnelStream): void {
    if (!stream.hasPeerEnded || !stream.hasSentEnd || stream.isGone) return;
    this.#table.remove(stream);
    this.#tellIfIdle();
  }

  #tellIfIdle(): void {
    if (this.#table.size === 0) this.#events.onIdle();
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#reader.stop();
  }
}

import type { Socket } from "node:dgram";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { ResetCode } from "../frame/frame-type.ts";
import type { StreamHandler, TunnelStream } from "../stream/tunnel-stream.ts";
import type { BridgeEnd, ByteCounts } from "./socket-bridge.ts";

/** Bytes that may wait in a socket; beyond, datagrams are dropped. */
const SEND_QUEUE_MAX_BYTES = 1024 * 1024;

export interface DatagramBridgeOptions {
  /** Sends one datagram to the other side of the socket. */
  readonly deliver: (datagram: Uint8Array) => void;
  /** Without a datagram either way for so long the session ends. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly onDone: (end: BridgeEnd) => void;
  /** The other end of the tunnel has a socket for it. */
  readonly onOpened?: () => void;
}

/** One UDP session: a stream joined with whoever is behind `deliver`. */
export class DatagramBridge implements StreamHandler, ByteCounts {
  readonly #stream: TunnelStream;
  readonly #options: DatagramBridgeOptions;
  #timer: Timer;
  #lastMs: number;
  #isDone = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(stream: TunnelStream, options: DatagramBridgeOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
    this.#timer = options.clock.setTimer(options.idleMs, () => this.#checkIdle());
    stream.handler = this;
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** A datagram for the other end of the tunnel. */
  send(datagram: Uint8Array): void {
    if (this.#isDone) return;
    this.#touch();
    if (this.#stream.send(datagram)) this.#bytesOut += datagram.length;
  }

  end(code: ResetCode): void {
    this.#stream.reset(code);
    this.#finish(code);
  }

  onOpened(): void {
    this.#options.onOpened?.();
  }

  onData(datagram: Uint8Array): void {
    this.#touch();
    this.#bytesIn += datagram.length;
    this.#options.deliver(datagram);
  }

  onEnd(): void {
    this.end("idle");
  }

  onReset(code: ResetCode): void {
    this.#finish(code);
  }

  onWritable(): void {}

  #touch(): void {
    this.#lastMs = this.#options.clock.monotonicMs();
  }

  #checkIdle(): void {
    const { clock, idleMs } = this.#options;
    const leftMs = this.#lastMs + idleMs - clock.monotonicMs();
    if (leftMs <= 0) this.end("idle");
    else this.#timer = clock.setTimer(leftMs, () => this.#checkIdle());
  }

  #finish(code: ResetCode): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer.cancel();
    this.#options.onDone({
      code: code === "idle" ? undefined : code,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    });
  }
}

/** Sends unless the socket has too much waiting already. */
export function sendOrDrop(socket: Pick<Socket, "getSendQueueSize">, send: () => void): void {
  if (socket.getSendQueueSize() <= SEND_QUEUE_MAX_BYTES) send();
}

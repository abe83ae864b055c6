import type { Socket } from "node:net";
import type { ResetCode } from "../frame/frame-type.ts";
import type { StreamHandler, TunnelStream } from "../stream/tunnel-stream.ts";
import { PieceList } from "./piece-list.ts";
import type { SharedRead } from "./shared-read.ts";
import type { TurnEnd } from "./turn-end.ts";

/** What a connection has carried: from the tunnel, and to it. */
export interface ByteCounts {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How a connection through a tunnel ended. */
export interface BridgeEnd extends ByteCounts {
  /** Undefined: both directions ended in order. */
  readonly code: ResetCode | undefined;
}

export interface BridgeOptions {
  readonly turnEnd: TurnEnd;
  /** Called once. */
  readonly onDone: (end: BridgeEnd) => void;
  /** The other end of the tunnel is connected. */
  readonly onOpened?: () => void;
  /** Of a socket that was made with it; absent: the socket tells what it reads. */
  readonly read?: SharedRead;
}

/**
 * Joins a stream with a TCP socket (made with allowHalfOpen): bytes, ends and resets of each become those of the other.
 * A socket that takes nothing gives no credit back, so its peer stops; a tunnel that takes nothing pauses the socket.
 * @returns what it has carried, as it goes on
 */
export function joinSocket(
  socket: Socket,
  stream: TunnelStream,
  options: BridgeOptions,
): ByteCounts {
  const bridge = new SocketBridge(socket, stream, options);
  stream.handler = bridge;
  return bridge;
}

class SocketBridge implements StreamHandler, ByteCounts {
  readonly #socket: Socket;
  readonly #stream: TunnelStream;
  readonly #options: BridgeOptions;
  readonly #pieces = new PieceList();
  readonly #flush = (): void => this.#write();
  #isFlushDue = false;
  #isWriting = false;
  #hasStreamEnded = false;
  #hasSocketEnded = false;
  #isDone = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(socket: Socket, stream: TunnelStream, options: BridgeOptions) {
    this.#socket = socket;
    this.#stream = stream;
    this.#options = options;
    socket.setNoDelay(true);
    const onChunk = (chunk: Uint8Array): void => {
      this.#bytesOut += chunk.length;
      if (!stream.send(chunk)) socket.pause();
    };
    if (options.read === undefined) socket.on("data", onChunk);
    else options.read.onChunk = onChunk;
    socket.on("end", () => {
      this.#hasSocketEnded = true;
      stream.end();
    });
    socket.on("error", () => this.#finish("reset"));
    socket.on("close", () => this.#onClosed());
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  onOpened(): void {
    this.#options.onOpened?.();
  }

  onData(piece: Uint8Array): void {
    this.#bytesIn += piece.length;
    this.#pieces.push(piece);
    this.#flushLater();
  }

  onEnd(): void {
    this.#hasStreamEnded = true;
    this.#flushLater();
  }

  onReset(code: ResetCode): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#socket.resetAndDestroy();
    this.#tellDone(code);
  }

  onWritable(): void {
    this.#socket.resume();
  }

  #flushLater(): void {
    if (this.#isFlushDue || this.#isWriting) return;
    this.#isFlushDue = true;
    this.#options.turnEnd.add(this.#flush);
  }

  #write(): void {
    this.#isFlushDue = false;
    if (this.#isDone || this.#isWriting) return;
    const { bytes } = this.#pieces;
    if (bytes > 0) {
      const pieces = this.#pieces.takeAll();
      const last = pieces.length - 1;
      this.#isWriting = true;
      if (last > 0) this.#socket.cork();
      for (let at = 0; at < last; at++) this.#socket.write(pieces[at] ?? "");
      this.#socket.write(pieces[last] ?? "", () => this.#onWritten(bytes));
      if (last > 0) this.#socket.uncork();
    } else if (this.#hasSocketEnded && this.#hasStreamEnded) {
      // Both have said all they had to say, and the system has all of it: closing says the end to the other side.
      this.#socket.destroy();
    } else if (this.#hasStreamEnded) {
      this.#socket.end();
    }
  }

  #onWritten(bytes: number): void {
    this.#isWriting = false;
    if (this.#isDone) return;
    this.#stream.consumed(bytes);
    if (this.#pieces.bytes > 0 || this.#hasStreamEnded) this.#write();
  }

  #onClosed(): void {
    this.#finish(this.#hasSocketEnded && this.#hasStreamEnded ? undefined : "reset");
  }

  #finish(code: ResetCode | undefined): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (code !== undefined) {
      this.#stream.reset(code);
      this.#socket.destroy();
    }
    this.#tellDone(code);
  }

  #tellDone(code: ResetCode | undefined): void {
    this.#options.onDone({ code, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut });
  }
}

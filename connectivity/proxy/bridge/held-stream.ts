import type { ResetCode } from "../frame/frame-type.ts";
import type { StreamHandler, TunnelStream } from "../stream/tunnel-stream.ts";

/**
 * Keeps what comes on a stream until there is somebody to take it: a client may speak before the endpoint is connected, and
 * another endpoint may have to be tried.
 *
 * BOUNDED: by the stream's credit; datagrams by `MAX_DATAGRAMS`.
 */
export class HeldStream implements StreamHandler {
  readonly #stream: TunnelStream;
  readonly #onReset: (code: ResetCode) => void;
  readonly #pieces: Uint8Array[] = [];
  #hasEnded = false;

  constructor(stream: TunnelStream, onReset: (code: ResetCode) => void) {
    this.#stream = stream;
    this.#onReset = onReset;
    stream.handler = this;
  }

  /** Hands everything on to the stream's handler of now. */
  release(): void {
    const { handler } = this.#stream;
    for (const piece of this.#pieces.splice(0)) handler?.onData(piece);
    if (this.#hasEnded) handler?.onEnd();
  }

  onOpened(): void {}

  onData(piece: Uint8Array): void {
    if (this.#stream.isDatagrams && this.#pieces.length >= MAX_DATAGRAMS) return;
    this.#pieces.push(piece);
  }

  onEnd(): void {
    this.#hasEnded = true;
  }

  onReset(code: ResetCode): void {
    this.#onReset(code);
  }

  onWritable(): void {}
}

const MAX_DATAGRAMS = 64;

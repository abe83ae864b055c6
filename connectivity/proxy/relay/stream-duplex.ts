import { Duplex } from "node:stream";
import type { ResetCode } from "../frame/frame-type.ts";
import type { StreamHandler, TunnelStream } from "../stream/tunnel-stream.ts";

/** A stream as a Node stream, so that TLS can speak inside it: the tunnel end to end through a relay. */
export class StreamDuplex extends Duplex implements StreamHandler {
  readonly #stream: TunnelStream;
  readonly #opened: () => void;
  #onDrained: (() => void) | undefined;
  /** BOUNDED: by the stream's credit. */
  #waiting: Uint8Array[] = [];
  #isReading = false;

  constructor(stream: TunnelStream, onOpened: () => void = () => undefined) {
    super({ allowHalfOpen: false });
    this.#stream = stream;
    this.#opened = onOpened;
    stream.handler = this;
  }

  override _read(): void {
    this.#isReading = true;
    while (this.#isReading) {
      const piece = this.#waiting.shift();
      if (piece === undefined) return;
      this.#give(piece);
    }
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    // The caller may use its buffer again once it is called back: the stream keeps what it is given.
    if (this.#stream.send(Buffer.from(chunk))) callback();
    else this.#onDrained = callback;
  }

  override _final(callback: () => void): void {
    this.#stream.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#waiting = [];
    this.#stream.reset("reset");
    callback(error);
  }

  onOpened(): void {
    this.#opened();
  }

  onData(piece: Uint8Array): void {
    if (this.#isReading) this.#give(piece);
    else this.#waiting.push(piece);
  }

  onEnd(): void {
    for (const piece of this.#waiting.splice(0)) this.#give(piece);
    this.push(null);
  }

  onReset(code: ResetCode): void {
    this.destroy(new Error(`relayed stream reset: ${code}`));
  }

  onWritable(): void {
    const callback = this.#onDrained;
    this.#onDrained = undefined;
    callback?.();
  }

  #give(piece: Uint8Array): void {
    this.#isReading = this.push(piece);
    this.#stream.consumed(piece.length);
  }
}

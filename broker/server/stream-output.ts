import type { Writable } from "node:stream";
import { LIMITS } from "../wire/limits.ts";

/** What a stream must do: a gRPC call, or any writable stream of messages. */
export type MessageWritable = Pick<Writable, "write" | "on" | "writableNeedDrain">;

/**
 * Writes to a stream that counts messages only, with a bound on their bytes too: a member that reads slowly
 * holds no more of the broker's memory than this.
 */
export class StreamOutput {
  readonly #stream: MessageWritable;
  readonly #onWritable: () => void;
  readonly #maxBytes: number;
  #unsentBytes = 0;
  #isFull = false;

  /** @param onWritable called once after each `write` that returned false, when there is room again */
  constructor(stream: MessageWritable, onWritable: () => void, maxBytes = LIMITS.unsentBytes) {
    this.#stream = stream;
    this.#onWritable = onWritable;
    this.#maxBytes = maxBytes;
    stream.on("drain", () => this.#resume());
  }

  /** False: taken, but nothing more until `onWritable`. */
  write(message: Uint8Array): boolean {
    this.#unsentBytes += message.length;
    const hasRoom = this.#stream.write(message, () => {
      this.#unsentBytes -= message.length;
      this.#resume();
    });
    this.#isFull = !hasRoom || this.#unsentBytes >= this.#maxBytes;
    return !this.#isFull;
  }

  #resume(): void {
    if (!this.#isFull || this.#stream.writableNeedDrain) return;
    if (this.#unsentBytes >= this.#maxBytes) return;
    this.#isFull = false;
    this.#onWritable();
  }
}

import type { Socket } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import type { Decoded } from "./socks/socks-message.ts";

/** Reads one message after another from a socket and gives back what it did not use. */
export class ByteReader {
  readonly #socket: Socket;
  /** BOUNDED: by one chunk of the socket beyond the longest message. */
  #pending: Uint8Array = new Uint8Array(0);

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Waits for one message; errors say what was being read and what came instead. */
  async read<T>(
    what: string,
    decode: (bytes: Uint8Array) => Decoded<T>,
    signal: AbortSignal,
  ): Promise<Result<T, string>> {
    for (;;) {
      const decoded = decode(this.#pending);
      if (decoded.kind === "malformed") return err(`cannot read ${what}: ${decoded.message}`);
      if (decoded.kind === "done") {
        this.#pending = this.#pending.subarray(decoded.length);
        return ok(decoded.value);
      }
      const chunk = await nextChunk(this.#socket, signal);
      if (chunk === undefined) return err(`cannot read ${what}: the connection ended`);
      this.#pending = Buffer.concat([this.#pending, chunk]);
    }
  }

  /** Puts unread bytes back: the socket is paused and ready for its next reader. */
  release(): void {
    if (this.#pending.length > 0) this.#socket.unshift(this.#pending);
    this.#pending = new Uint8Array(0);
  }
}

/** The next bytes, leaving the socket paused; undefined when there are no more, or the signal aborts. */
function nextChunk(socket: Socket, signal: AbortSignal): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const finish = (chunk: Uint8Array | undefined): void => {
      socket.pause();
      socket.removeListener("data", onData);
      socket.removeListener("end", onGone);
      socket.removeListener("close", onGone);
      signal.removeEventListener("abort", onGone);
      resolve(chunk);
    };
    const onData = (chunk: Buffer): void => finish(chunk);
    const onGone = (): void => finish(undefined);
    if (signal.aborted || socket.destroyed || socket.readableEnded) {
      resolve(undefined);
      return;
    }
    socket.on("data", onData);
    socket.once("end", onGone);
    socket.once("close", onGone);
    signal.addEventListener("abort", onGone, { once: true });
    socket.resume();
  });
}

import type { Duplex } from "node:stream";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { ResetCode } from "../frame/frame-type.ts";
import type { TunnelSession } from "../stream/tunnel-session.ts";

/** Written at once. More would leave the CPU's cache between the copy and the cipher; less costs more calls. */
const BUFFER_BYTES = 128 * 1024;

/**
 * A write waits for so many more turns of the event loop while each of them opens streams. A turn accepts one connection of a
 * listener, however many there are, and what a client says first comes in the next: one write for all of it instead of two each.
 */
const OPENING_TURNS = 4;

/**
 * Joins a session with the connection that carries it. What all streams have to say in one turn of the event loop goes
 * out as one write: full TLS records, few system calls, and one copy into a buffer that is used again and again.
 */
export class TunnelConnection {
  readonly #socket: Duplex;
  readonly #session: TunnelSession;
  readonly #clock: Clock;
  readonly #onClosed: (reason: string) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  readonly #flush = (): void => this.#endTurn();
  #openingTurns = 0;
  #isWriting = false;
  #isClosed = false;
  #isEnding = false;
  #reason: string | undefined;
  #bytesIn = 0;
  #bytesOut = 0;

  /** Starts at once. `onClosed` is called once, after all streams have been reset. */
  constructor(
    socket: Duplex,
    session: TunnelSession,
    { clock, onClosed }: { readonly clock: Clock; readonly onClosed: (reason: string) => void },
  ) {
    this.#socket = socket;
    this.#session = session;
    this.#clock = clock;
    this.#onClosed = onClosed;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("end", () => this.close("ended by the peer"));
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", () => this.close("closed by the peer"));
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** The session's `onOutput`. */
  readonly scheduleWrite = (): void => {
    if (!this.#isWriting) setImmediate(this.#flush);
  };

  /** Resets all streams and closes the connection now. */
  close(reason: string, code: ResetCode = "reset"): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#session.close(code);
    this.#socket.destroy();
    this.#onClosed(this.#reason ?? reason);
  }

  /** Writes what is left to say, then closes. */
  endAfterOutput(reason: string): void {
    this.#isEnding = true;
    this.#reason = reason;
    this.scheduleWrite();
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#bytesIn += chunk.length;
    if (!this.#session.receive(chunk, this.#clock.monotonicMs())) {
      this.close(this.#session.failure ?? "failed");
    }
  }

  #endTurn(): void {
    if (this.#session.takeJustOpened() && this.#openingTurns < OPENING_TURNS) {
      this.#openingTurns += 1;
      setImmediate(this.#flush);
      return;
    }
    this.#openingTurns = 0;
    this.#write();
  }

  #write(): void {
    if (this.#isWriting || this.#isClosed) return;
    const { failure } = this.#session;
    if (failure !== undefined) return this.close(failure);
    const length = this.#session.fill(this.#buffer);
    if (length === 0) {
      if (this.#isEnding) this.#socket.end();
      return;
    }
    this.#isWriting = true;
    this.#bytesOut += length;
    this.#socket.write(this.#buffer.subarray(0, length), () => {
      this.#isWriting = false;
      this.#write();
    });
  }
}

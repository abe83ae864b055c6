import type { Socket } from "node:net";
import type { Client } from "../answer/client.ts";
import { MESSAGE_BYTES_MAX } from "../wire/dns-numbers.ts";
import type { AnswerPacket, DropObserver } from "./answer-packet.ts";
import { TcpFrames } from "./tcp-frames.ts";

export interface TcpConnectionOptions {
  /** Without a whole query, or without a reader of our answers, for this long, the connection is closed. */
  readonly idleMs: number;
}

const FRAME_LENGTH_BYTES = 2;
/** Queries of one connection that may wait for answers from elsewhere. */
const PENDING_MAX = 100;
/** Holds one answer at a time, of whatever connection. */
const RESPONSE = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);

/** One client's stream of queries, answered in order (RFC 7766, section 6.2.1.1 allows pipelining). */
export class TcpConnection {
  readonly #socket: Socket;
  readonly #options: TcpConnectionOptions;
  readonly #answer: AnswerPacket;
  readonly #dropped: DropObserver;
  readonly #client: Client;
  readonly #frames = new TcpFrames();
  readonly #nowMs: () => number;
  #activeMs: number;
  #pending = 0;
  #hasEnded = false;

  constructor(
    socket: Socket,
    options: TcpConnectionOptions,
    deps: {
      readonly answer: AnswerPacket;
      readonly dropped: DropObserver;
      readonly nowMs: () => number;
    },
  ) {
    this.#socket = socket;
    this.#client = { address: socket.remoteAddress ?? "", later: () => this.#later() };
    this.#nowMs = deps.nowMs;
    this.#options = options;
    this.#answer = deps.answer;
    this.#dropped = deps.dropped;
    this.#activeMs = deps.nowMs();
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.#frames.push(chunk);
      this.#serve(deps.nowMs());
    });
    socket.on("drain", () => this.#serve(deps.nowMs()));
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#serve(deps.nowMs());
    });
    // A reset is the client's affair; "close" follows and frees the connection.
    socket.on("error", () => socket.destroy());
  }

  /** Closes the connection when nothing has come of it for too long: a byte now and then is no progress. */
  closeIfIdle(nowMs: number): void {
    if (this.#pending > 0 || nowMs - this.#activeMs < this.#options.idleMs) return;
    if (this.#socket.writableLength > 0) {
      this.#dropped("tcp-timeout");
      this.#socket.destroy();
    } else {
      this.#socket.destroySoon();
    }
  }

  /** Sends what is written and closes. */
  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #serve(nowMs: number): void {
    this.#socket.cork();
    // Queries of a client that does not read its answers wait until it has, as do those behind too many unanswered ones.
    while (!this.#socket.writableNeedDrain && this.#pending < PENDING_MAX) {
      const message = this.#frames.take();
      if (message === undefined) {
        this.#socket.uncork();
        if (this.#hasEnded) this.#endWhenAnswered();
        else this.#socket.resume();
        return;
      }
      const bytes = this.#answer(message, message.length, "tcp", RESPONSE, this.#client);
      if (bytes === 0) {
        // Whoever sends this is no DNS client: nothing better will follow.
        this.#dropped("tcp-frame");
        this.#socket.uncork();
        this.#socket.destroySoon();
        return;
      }
      this.#activeMs = nowMs;
      if (bytes > 0) this.#write(RESPONSE, bytes);
    }
    this.#socket.uncork();
    this.#socket.pause();
  }

  /** Answers that take time go out when they are there, in any order (RFC 7766, section 6.2.1.1). */
  #later(): (response: Buffer) => void {
    this.#pending++;
    return (response) => {
      this.#pending--;
      if (this.#socket.destroyed) return;
      this.#write(response, response.length);
      const nowMs = this.#nowMs();
      this.#activeMs = nowMs;
      this.#serve(nowMs);
    };
  }

  #write(response: Buffer, bytes: number): void {
    const frame = Buffer.allocUnsafe(FRAME_LENGTH_BYTES + bytes);
    frame.writeUInt16BE(bytes);
    response.copy(frame, FRAME_LENGTH_BYTES, 0, bytes);
    this.#socket.write(frame);
  }

  #endWhenAnswered(): void {
    if (this.#pending === 0) this.#socket.end();
  }
}

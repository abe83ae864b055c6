import { FRAME, HEADER_BYTES, MAX_DATA_BYTES } from "../frame/frame-type.ts";
import { writeHeader } from "../frame/write-frame.ts";
import { Fifo } from "./fifo.ts";
import { TURN_BYTES } from "./session-limits.ts";
import type { TunnelStream } from "./tunnel-stream.ts";

/**
 * What is to be sent: control frames in order, then the streams that have something to send and may, each in its turn.
 *
 * BOUNDED: control frames by the session, which watches `controlBytes`; a stream is in the round at most once.
 */
export class SendRound {
  readonly #control = new Fifo<Uint8Array>();
  readonly #streams = new Fifo<TunnelStream>();
  /** Told after a stream's end has been written. */
  readonly #onEndSent: (stream: TunnelStream) => void;
  #controlBytes = 0;

  constructor(onEndSent: (stream: TunnelStream) => void) {
    this.#onEndSent = onEndSent;
  }

  get controlBytes(): number {
    return this.#controlBytes;
  }

  addControl(frame: Uint8Array): void {
    this.#control.push(frame);
    this.#controlBytes += frame.length;
  }

  /** True: it has something to send now and has been put in the round. */
  add(stream: TunnelStream): boolean {
    if (stream.isInRound) return false;
    if (stream.sendable(MAX_DATA_BYTES) === 0 && !stream.isEndDue) return false;
    stream.isInRound = true;
    this.#streams.push(stream);
    return true;
  }

  clear(): void {
    this.#control.clear();
    this.#controlBytes = 0;
    this.#streams.clear();
  }

  /** Writes as much as fits; returns how many bytes. */
  fill(target: Uint8Array): number {
    let at = this.#fillControl(target);
    for (let next = this.#streams.peek(); next !== undefined; next = this.#streams.peek()) {
      const space = target.length - at - HEADER_BYTES;
      if (space <= 0) break;
      // A datagram that does not fit here goes first in the next buffer.
      if (next.isDatagrams && next.sendable(MAX_DATA_BYTES) > space) break;
      this.#streams.shift();
      next.isInRound = false;
      if (!next.isGone) at = this.#fillStream(next, target, at);
    }
    return at;
  }

  #fillControl(target: Uint8Array): number {
    let at = 0;
    for (let frame = this.#control.peek(); frame !== undefined; frame = this.#control.peek()) {
      if (at + frame.length > target.length) break;
      target.set(frame, at);
      at += frame.length;
      this.#controlBytes -= frame.length;
      this.#control.shift();
    }
    return at;
  }

  #fillStream(stream: TunnelStream, target: Uint8Array, from: number): number {
    let at = from;
    const limit = stream.isDatagrams ? MAX_DATA_BYTES : TURN_BYTES;
    const length = stream.sendable(Math.min(limit, target.length - at - HEADER_BYTES));
    if (length > 0) {
      writeHeader(target, at, { type: FRAME.data, length, stream: stream.id });
      stream.take(target, at + HEADER_BYTES, length);
      at += HEADER_BYTES + length;
    }
    if (stream.isEndDue && target.length - at >= HEADER_BYTES) {
      writeHeader(target, at, { type: FRAME.end, length: 0, stream: stream.id });
      at += HEADER_BYTES;
      stream.markEndSent();
      this.#onEndSent(stream);
    }
    if (!stream.isGone) this.add(stream);
    return at;
  }
}

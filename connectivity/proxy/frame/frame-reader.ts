import { err, ok, type Result } from "../../../api/result.ts";
import {
  FIRST_OPTIONAL_TYPE,
  FRAME,
  HEADER_BYTES,
  MAX_CONTROL_BYTES,
  maxPayloadBytes,
} from "./frame-type.ts";

/** Where frames go as they are read. */
export interface FrameSink {
  /** Begins a data frame of `length` bytes; its pieces follow. */
  onDataStart(stream: number, length: number): void;
  /** Bytes of the data frame under way, as they came, without a copy; `isLast` ends it. */
  onDataPiece(piece: Uint8Array, isLast: boolean): void;
  /** Any other frame, whole. The payload is valid during the call only. */
  onFrame(type: number, stream: number, payload: Uint8Array): void;
}

const KNOWN_MAX = FRAME.routes;
const OK = ok(undefined);

/**
 * Cuts a sequence of bytes into frames, however it was chopped. Data is passed on in the pieces in which it came; a
 * control frame is joined in one buffer.
 *
 * BOUNDED: one header and one control frame, whose limit is checked before a byte of it is kept.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #header = new Uint8Array(HEADER_BYTES);
  readonly #view = new DataView(this.#header.buffer);
  #headerBytes = 0;
  #type = 0;
  #stream = 0;
  /** Of the payload of the frame under way. */
  #left = 0;
  #payload = new Uint8Array(MAX_CONTROL_BYTES);
  #payloadBytes = 0;
  #isStopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Passes nothing on from now: what the sink has seen is enough. May be called by the sink. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Error: the bytes break the protocol; nothing is read from then on. */
  push(chunk: Uint8Array): Result<undefined, string> {
    let at = 0;
    while (at < chunk.length && !this.#isStopped) {
      if (this.#left === 0) {
        at = this.#takeHeader(chunk, at);
        if (this.#headerBytes < HEADER_BYTES) return OK;
        const started = this.#start();
        if (!started.ok) {
          this.#isStopped = true;
          return started;
        }
        continue;
      }
      const end = Math.min(chunk.length, at + this.#left);
      this.#takePayload(chunk, at, end);
      at = end;
    }
    return OK;
  }

  #takeHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (this.#headerBytes < HEADER_BYTES && at < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[at++] ?? 0;
    }
    return at;
  }

  #start(): Result<undefined, string> {
    const word = this.#view.getUint32(0);
    const type = word >>> 24;
    const length = word & 0xff_ffff;
    this.#headerBytes = 0;
    this.#type = type;
    this.#stream = this.#view.getUint32(4);
    const limit = maxPayloadBytes(type);
    if (length > limit) {
      return err(`frame of type ${type} must have at most ${limit} bytes: got ${length}`);
    }
    if (type < FRAME.hello || (type > KNOWN_MAX && type < FIRST_OPTIONAL_TYPE)) {
      return err(`frame type must be known: got ${type}`);
    }
    this.#left = length;
    this.#payloadBytes = 0;
    if (type === FRAME.data) {
      if (this.#stream === 0) return err("data must be on a stream: got stream 0");
      this.#sink.onDataStart(this.#stream, length);
      if (length === 0) this.#sink.onDataPiece(this.#payload.subarray(0, 0), true);
    } else if (length === 0) {
      this.#sink.onFrame(type, this.#stream, this.#payload.subarray(0, 0));
    }
    return OK;
  }

  #takePayload(chunk: Uint8Array, from: number, end: number): void {
    this.#left -= end - from;
    if (this.#type === FRAME.data) {
      this.#sink.onDataPiece(chunk.subarray(from, end), this.#left === 0);
      return;
    }
    if (this.#left === 0 && this.#payloadBytes === 0) {
      this.#sink.onFrame(this.#type, this.#stream, chunk.subarray(from, end));
      return;
    }
    const needed = this.#payloadBytes + (end - from) + this.#left;
    if (needed > this.#payload.length) this.#payload = new Uint8Array(needed);
    this.#payload.set(chunk.subarray(from, end), this.#payloadBytes);
    this.#payloadBytes += end - from;
    if (this.#left > 0) return;
    const whole = this.#payload.subarray(0, this.#payloadBytes);
    this.#sink.onFrame(this.#type, this.#stream, whole);
  }
}

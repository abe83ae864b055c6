import type { ResetCode } from "../frame/frame-type.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import type { FairShare } from "./fair-share.ts";
import { Fifo } from "./fifo.ts";
import { CHUNK_COST_BYTES } from "./session-limits.ts";

/** What a stream tells its user. Nothing more comes after `onReset`, or after both directions have ended. */
export interface StreamHandler {
  /** The other end is connected. Only to who opened the stream. */
  onOpened(): void;
  /**
   * Bytes in order, valid for as long as they are kept; on a UDP stream exactly one datagram. The user says by
   * `consumed` when it needs no memory for them any more: only then more may come.
   */
  onData(piece: Uint8Array): void;
  /** The other side sends no more. */
  onEnd(): void;
  onReset(code: ResetCode): void;
  /** What was queued has gone so far that there is room again, after `send` said that there was none. */
  onWritable(): void;
}

/** What a stream asks of the session that it belongs to. */
export interface StreamOwner {
  /** So much waits in all streams together that each must be content with less. */
  readonly isCrowded: boolean;
  /** Bytes queued have become more, or less. */
  onQueued(bytes: number): void;
  onReady(stream: TunnelStream): void;
  onConsumed(stream: TunnelStream, bytes: number): void;
  onAccepted(stream: TunnelStream): void;
  onResetByUser(stream: TunnelStream, code: ResetCode): void;
}

/** One connection through a tunnel: two sequences of bytes, each with its own end and its own credit. */
export class TunnelStream {
  readonly id: number;
  readonly header: OpenHeader;
  readonly isDatagrams: boolean;
  handler: StreamHandler | undefined;
  readonly #owner: StreamOwner;
  readonly #queueMaxBytes: number;
  /** BOUNDED: by `queueMaxBytes` and what one call of `send` brings: users stop when `send` says so. */
  readonly #queue = new Fifo<Uint8Array>();
  #headOffset = 0;
  #queuedBytes = 0;
  #isFull = false;
  #isEndQueued = false;
  #hasSentEnd = false;
  #sendCredit: number;
  /** Whether the session has it in its round. */
  isInRound = false;

  /** Bytes that the peer may still send, its window, and what has been consumed since the last credit. */
  receiveCredit: number;
  windowBytes: number;
  toGrantBytes = 0;
  grantedAtMs = 0;
  /** What it holds of the tunnel's streams and of the process's credit. */
  shares: { readonly count: FairShare; readonly credit: FairShare } | undefined;
  hasPeerEnded = false;
  isGone = false;
  isAccepted = false;

  constructor(
    id: number,
    header: OpenHeader,
    options: {
      readonly owner: StreamOwner;
      readonly queueMaxBytes: number;
      readonly sendCredit: number;
      readonly receiveCredit: number;
    },
  ) {
    this.id = id;
    this.header = header;
    this.isDatagrams = header.kind === "service" && header.protocol === "udp";
    this.#owner = options.owner;
    this.#queueMaxBytes = options.queueMaxBytes;
    this.#sendCredit = options.sendCredit;
    this.receiveCredit = options.receiveCredit;
    this.windowBytes = options.receiveCredit;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get sendCredit(): number {
    return this.#sendCredit;
  }

  get hasSentEnd(): boolean {
    return this.#hasSentEnd;
  }

  /** Says to who opened the stream that its other end is connected. */
  accept(): void {
    if (this.isGone || this.isAccepted) return;
    this.isAccepted = true;
    this.#owner.onAccepted(this);
  }

  /**
   * Queues bytes; they must not change afterwards. False: enough for now, wait for `onWritable`. On a UDP stream the
   * bytes are one datagram of at most 65,507 bytes, dropped when there is no room (false too, and no `onWritable`).
   */
  send(chunk: Uint8Array): boolean {
    if (this.isGone || this.#isEndQueued || chunk.length === 0) return !this.#isFull;
    const limit = this.#owner.isCrowded ? this.#queueMaxBytes / 8 : this.#queueMaxBytes;
    if (this.isDatagrams && this.#queueCost() + chunk.length > limit) return false;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    this.#owner.onQueued(chunk.length);
    this.#owner.onReady(this);
    if (this.#queueCost() >= limit) this.#isFull = !this.isDatagrams;
    return !this.#isFull;
  }

  /** Sends no more after what is queued. */
  end(): void {
    if (this.isGone || this.#isEndQueued) return;
    this.#isEndQueued = true;
    this.#owner.onReady(this);
  }

  /** Ends both directions at once; what is queued is dropped. The handler is not called any more. */
  reset(code: ResetCode): void {
    if (!this.isGone) this.#owner.onResetByUser(this, code);
  }

  /** So many bytes that came need no memory here any more. */
  consumed(bytes: number): void {
    if (!this.isGone) this.#owner.onConsumed(this, bytes);
  }

  // For the session only.

  addCredit(bytes: number): void {
    this.#sendCredit += bytes;
    if (this.#queuedBytes > 0) this.#owner.onReady(this);
  }

  /** Bytes that may go in one frame now. Datagrams go whole or not at all, and need no credit. */
  sendable(limit: number): number {
    if (this.isDatagrams) {
      const next = this.#queue.peek()?.length ?? 0;
      return next <= limit ? next : 0;
    }
    return Math.min(this.#queuedBytes, this.#sendCredit, limit);
  }

  get isEndDue(): boolean {
    return this.#isEndQueued && !this.#hasSentEnd && this.#queuedBytes === 0;
  }

  markEndSent(): void {
    this.#hasSentEnd = true;
  }

  /** Copies the next `length` queued bytes to `target`; `sendable` said that they may go. */
  take(target: Uint8Array, offset: number, length: number): void {
    let left = length;
    let at = offset;
    while (left > 0) {
      const chunk = this.#queue.peek();
      if (chunk === undefined) break;
      const part = Math.min(left, chunk.length - this.#headOffset);
      const isWhole = part === chunk.length;
      target.set(isWhole ? chunk : chunk.subarray(this.#headOffset, this.#headOffset + part), at);
      at += part;
      left -= part;
      this.#headOffset += part;
      if (this.#headOffset === chunk.length) {
        this.#queue.shift();
        this.#headOffset = 0;
      }
    }
    this.#queuedBytes -= length;
    this.#owner.onQueued(-length);
    if (!this.isDatagrams) this.#sendCredit -= length;
    if (this.#isFull && this.#queueCost() * 2 <= this.#queueMaxBytes) {
      this.#isFull = false;
      if (!this.#isEndQueued) this.handler?.onWritable();
    }
  }

  /** The session has forgotten it. */
  drop(): void {
    this.isGone = true;
    this.#owner.onQueued(-this.#queuedBytes);
    this.#queue.clear();
    this.#queuedBytes = 0;
  }

  #queueCost(): number {
    return this.#queuedBytes + this.#queue.length * CHUNK_COST_BYTES;
  }
}

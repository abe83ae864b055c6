import type { StreamTable } from "./stream-table.ts";
import type { TunnelStream } from "./tunnel-stream.ts";

/**
 * The peer's data frames, piece by piece: bytes of a TCP stream go on as they come and cost its credit, a datagram is joined first
 * when it came in pieces.
 *
 * BOUNDED: by one datagram.
 */
export class DataIntake {
  readonly #table: StreamTable;
  /** Of the frame under way; undefined: what is left of a stream that has been reset. */
  #stream: TunnelStream | undefined;
  #datagram: Uint8Array | undefined;
  #datagramLeft = 0;

  constructor(table: StreamTable) {
    this.#table = table;
  }

  /** A frame begins. Returns how it breaks the protocol; undefined: it does not. */
  start(id: number, length: number): string | undefined {
    const stream = this.#table.get(id);
    this.#stream = stream;
    this.#datagram = undefined;
    this.#datagramLeft = length;
    if (stream === undefined) {
      return this.#table.wasOpen(id)
        ? undefined
        : `stream must have been opened: got data on ${id}`;
    }
    if (stream.hasPeerEnded) return `data must come before the end: got more on stream ${id}`;
    if (stream.isDatagrams) return undefined;
    const credit = stream.receiveCredit;
    if (length > credit) {
      return `data must be within its credit of ${credit}: got ${length} on stream ${id}`;
    }
    stream.receiveCredit -= length;
    return undefined;
  }

  piece(piece: Uint8Array, isLast: boolean): void {
    const stream = this.#stream;
    // What was under way when a stream was reset is of no use to anybody.
    if (stream === undefined || stream.isGone) return;
    const isWhole = !stream.isDatagrams || (isLast && this.#datagram === undefined);
    if (isWhole) {
      stream.handler?.onData(piece);
      return;
    }
    this.#datagram ??= new Uint8Array(this.#datagramLeft);
    this.#datagram.set(piece, this.#datagram.length - this.#datagramLeft);
    this.#datagramLeft -= piece.length;
    if (isLast) stream.handler?.onData(this.#datagram);
  }
}

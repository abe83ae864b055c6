/** Pieces shorter than this are copied together: a piece may be a byte in a buffer of its own. */
const SMALL_BYTES = 1024;
const JOIN_BYTES = 8 * 1024;

/**
 * Bytes that wait for a socket, in order.
 *
 * BOUNDED: in bytes by the credit given for them; in objects because small pieces are copied together.
 */
export class PieceList {
  #pieces: Uint8Array[] = [];
  #join: Buffer | undefined;
  #joinBytes = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (piece.length >= SMALL_BYTES || this.#pieces.length < 4) {
      this.#join = undefined;
      this.#pieces.push(piece);
      return;
    }
    if (this.#join === undefined || this.#joinBytes + piece.length > JOIN_BYTES) {
      this.#join = Buffer.allocUnsafeSlow(JOIN_BYTES);
      this.#joinBytes = 0;
      this.#pieces.push(this.#join);
    }
    this.#join.set(piece, this.#joinBytes);
    this.#joinBytes += piece.length;
    this.#pieces[this.#pieces.length - 1] = this.#join.subarray(0, this.#joinBytes);
  }

  /** All of them; the list is empty then. */
  takeAll(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#join = undefined;
    this.#bytes = 0;
    return pieces;
  }
}

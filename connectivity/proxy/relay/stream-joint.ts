import type { ResetCode } from "../frame/frame-type.ts";
import type { StreamHandler, TunnelStream } from "../stream/tunnel-stream.ts";

/**
 * Joins two streams of two tunnels, as a relay does: bytes, ends and resets of one go to the other, and credit is given back
 * as the other side takes it. What passes is a tunnel of two others, with keys that are not ours.
 */
export function joinStreams(one: TunnelStream, other: TunnelStream): void {
  one.handler = new Half(one, other);
  other.handler = new Half(other, one);
}

/** Takes what comes from one stream to the other. */
class Half implements StreamHandler {
  readonly #from: TunnelStream;
  readonly #to: TunnelStream;
  /** Taken from `from` while `to` is full: bytes owed. BOUNDED: by the credit of `from`. */
  #owedBytes = 0;
  #isFull = false;

  constructor(from: TunnelStream, to: TunnelStream) {
    this.#from = from;
    this.#to = to;
  }

  onOpened(): void {
    this.#to.accept();
  }

  onData(piece: Uint8Array): void {
    if (!this.#to.send(piece)) this.#isFull = true;
    if (this.#isFull) this.#owedBytes += piece.length;
    else this.#from.consumed(piece.length);
  }

  onEnd(): void {
    this.#to.end();
  }

  onReset(code: ResetCode): void {
    this.#to.reset(code);
  }

  /** Our stream has room again: who feeds it, the other half, may be given its credit. */
  onWritable(): void {
    const feeder = this.#to.handler;
    if (feeder instanceof Half) feeder.giveCredit();
  }

  giveCredit(): void {
    this.#isFull = false;
    const owed = this.#owedBytes;
    this.#owedBytes = 0;
    if (owed > 0) this.#from.consumed(owed);
  }
}

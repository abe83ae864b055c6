import { SendRound } from "./send-round.ts";
import { CONTROL_QUEUE_MAX_BYTES, CROWDED_BYTES } from "./session-limits.ts";
import type { TunnelStream } from "./tunnel-stream.ts";

interface OutputEvents {
  /** `fill` has something to give; said once, until `fill` has given everything. */
  onOutput(): void;
  /** A stream's end has been written. */
  onEndSent(stream: TunnelStream): void;
  /** The peer asks for answers and does not read them. */
  onFlood(reason: string): void;
}

/**
 * What a session has to say to the peer, and that it has.
 *
 * BOUNDED: control frames by CONTROL_QUEUE_MAX_BYTES, beyond which `onFlood` must end the session; data by each stream's queue.
 */
export class SessionOutput {
  readonly #events: OutputEvents;
  readonly #round: SendRound;
  #isTold = false;
  #queuedBytes = 0;

  constructor(events: OutputEvents) {
    this.#events = events;
    this.#round = new SendRound((stream) => events.onEndSent(stream));
  }

  /** So much waits in all streams together that each must be content with less. */
  get isCrowded(): boolean {
    return this.#queuedBytes > CROWDED_BYTES;
  }

  /** Bytes queued in streams have become more, or less. */
  queued(bytes: number): void {
    this.#queuedBytes += bytes;
  }

  /** A stream may have something to send now. */
  ready(stream: TunnelStream): void {
    if (this.#round.add(stream)) this.#tell();
  }

  control(frame: Uint8Array): void {
    this.#round.addControl(frame);
    const waiting = this.#round.controlBytes;
    if (waiting > CONTROL_QUEUE_MAX_BYTES) {
      const reason = `peer must read the answers that it asks for: ${waiting} bytes of them wait`;
      this.#events.onFlood(reason);
    } else {
      this.#tell();
    }
  }

  /** Writes to `target`; returns how many bytes. 0: nothing until the next `onOutput`. */
  fill(target: Uint8Array): number {
    const length = this.#round.fill(target);
    if (length === 0) this.#isTold = false;
    return length;
  }

  clear(): void {
    this.#round.clear();
  }

  #tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#events.onOutput();
  }
}

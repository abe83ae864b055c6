/**
 * Cuts a byte stream into messages: "The message is prefixed with a two byte length field which gives the message
 * length, excluding the two byte length field" (RFC 1035, section 4.2.2).
 */
export class TcpFrames {
  /** Received and not yet taken. BOUNDED: by one frame and one read: its owner stops reading while frames wait. */
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The next whole message, undefined when there is none yet. Valid until the next push. */
  take(): Buffer | undefined {
    if (this.#pending.length < 2) return undefined;
    const end = 2 + this.#pending.readUInt16BE(0);
    if (this.#pending.length < end) return undefined;
    const message = this.#pending.subarray(2, end);
    this.#pending = this.#pending.subarray(end);
    return message;
  }
}

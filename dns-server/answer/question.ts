// HOT: runs once per packet.
import { HEADER_BYTES, NAME_BYTES_MAX } from "../wire/dns-numbers.ts";

const TYPE_BYTES = 2;
/** Room for the longest name and its type, in whole words. */
const QUESTION_BYTES = 4 * Math.ceil((NAME_BYTES_MAX + TYPE_BYTES) / 4);
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
);
/** Odd, and its bits look random: 2^32 divided by the golden ratio. */
const MULTIPLIER = 0x9e3779b1;

/** The question at hand: its name in lower case and its type, as one key. One object is filled again and again. */
export class Question {
  /** Name as on the wire but in lower case, then the type. */
  readonly bytes = Buffer.alloc(QUESTION_BYTES);
  nameBytes = 0;
  /** Of name and type. */
  length = 0;
  /** Of name and type, 32 bits. */
  hash = 0;
  readonly #words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, QUESTION_BYTES / 4);

  /** Takes the name that starts behind the header of `packet` and ends at `nameEnd`. */
  read(packet: Uint8Array, nameEnd: number, type: number): void {
    const { bytes } = this;
    const nameBytes = nameEnd - HEADER_BYTES;
    // Length bytes are below any letter and stay.
    for (let index = 0; index < nameBytes; index++) {
      bytes[index] = LOWER[packet[HEADER_BYTES + index] ?? 0] ?? 0;
    }
    bytes[nameBytes] = type >> 8;
    bytes[nameBytes + 1] = type & 0xff;
    this.nameBytes = nameBytes;
    this.length = nameBytes + TYPE_BYTES;
    this.hash = this.#hash();
  }

  #hash(): number {
    const wordCount = (this.length + 3) >> 2;
    // What an earlier question left in the last word is no part of this one.
    for (let at = this.length; at < wordCount * 4; at++) this.bytes[at] = 0;
    let hash = this.length;
    for (let index = 0; index < wordCount; index++) {
      hash = Math.imul(hash ^ (this.#words[index] ?? 0), MULTIPLIER);
      hash ^= hash >>> 15;
    }
    return hash;
  }
}

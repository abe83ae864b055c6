const decoder = new TextDecoder("utf-8", { fatal: true });

/** Most frames have less. */
const FIRST_BYTES = 256;
const MAX_FIELD_BYTES = 255;

/** Writes fields of a control frame; texts and byte strings carry their length in one byte. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  uint8(value: number): this {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  uint16(value: number): this {
    return this.uint8(value >>> 8).uint8(value);
  }

  uint32(value: number): this {
    return this.uint16(value >>> 16).uint16(value);
  }

  /** @throws when longer than 255 bytes: names are checked where they come from. */
  bytes(value: Uint8Array): this {
    this.#beginField(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** As `bytes`, in UTF-8. */
  text(value: string): this {
    this.#beginField(value.length === 0 ? 0 : Buffer.byteLength(value));
    if (value.length > 0) this.#length += this.#bytes.write(value, this.#length);
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #beginField(length: number): void {
    if (length > MAX_FIELD_BYTES) {
      throw new RangeError(`field must have at most ${MAX_FIELD_BYTES} bytes: got ${length}`);
    }
    this.uint8(length);
    this.#makeRoom(length);
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what FieldWriter wrote. After a failure every field is empty and `failed` says what was wrong first. */
export class FieldReader {
  readonly #payload: Uint8Array;
  #at = 0;
  failed: string | undefined;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  /** What may follow is of later versions than the writer's. */
  get isAtEnd(): boolean {
    return this.#at === this.#payload.length;
  }

  uint8(): number {
    const value = this.#payload[this.#at];
    if (value === undefined) {
      this.#fail(`must have more than ${this.#payload.length} bytes`);
      return 0;
    }
    this.#at += 1;
    return value;
  }

  uint16(): number {
    return (this.uint8() << 8) | this.uint8();
  }

  uint32(): number {
    return this.uint16() * 0x1_0000 + this.uint16();
  }

  /** A copy: frames live in buffers that others own. */
  bytes(maxLength: number): Uint8Array {
    const length = this.#beginField(maxLength);
    return new Uint8Array(this.#payload.subarray(this.#at - length, this.#at));
  }

  text(maxLength: number): string {
    const length = this.#beginField(maxLength);
    if (length === 0) return "";
    const ascii = this.#asciiText(this.#at - length);
    if (ascii !== undefined) return ascii;
    try {
      return decoder.decode(this.#payload.subarray(this.#at - length, this.#at));
    } catch {
      this.#fail("text must be UTF-8");
      return "";
    }
  }

  /** @returns the length of the field, which is passed over */
  #beginField(maxLength: number): number {
    const length = this.uint8();
    if (length > maxLength) this.#fail(`field must have at most ${maxLength} bytes: got ${length}`);
    if (this.#at + length > this.#payload.length) this.#fail("field must be whole: it is cut off");
    if (this.failed !== undefined) return 0;
    this.#at += length;
    return length;
  }

  /** From there to where we are, as names nearly always are; undefined: there is something else in it. The decoder costs a microsecond each time. */
  #asciiText(from: number): string | undefined {
    let text = "";
    for (let at = from; at < this.#at; at++) {
      const byte = this.#payload[at] ?? 0;
      if (byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #fail(reason: string): void {
    this.failed ??= reason;
  }
}

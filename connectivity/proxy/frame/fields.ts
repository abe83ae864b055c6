const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Writes fields of a control frame; texts and byte strings carry their length in one byte. */
export class FieldWriter {
  readonly #bytes: number[] = [];

  uint8(value: number): this {
    this.#bytes.push(value & 0xff);
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
    if (value.length > 255) {
      throw new RangeError(`field must have at most 255 bytes: got ${value.length}`);
    }
    this.uint8(value.length);
    this.#bytes.push(...value);
    return this;
  }

  text(value: string): this {
    return this.bytes(encoder.encode(value));
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
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
    const length = this.uint8();
    if (length > maxLength) this.#fail(`field must have at most ${maxLength} bytes: got ${length}`);
    if (this.#at + length > this.#payload.length) this.#fail("field must be whole: it is cut off");
    if (this.failed !== undefined) return new Uint8Array(0);
    this.#at += length;
    return Uint8Array.from(this.#payload.subarray(this.#at - length, this.#at));
  }

  text(maxLength: number): string {
    const bytes = this.bytes(maxLength);
    try {
      return decoder.decode(bytes);
    } catch {
      this.#fail("text must be UTF-8");
      return "";
    }
  }

  #fail(reason: string): void {
    this.failed ??= reason;
  }
}

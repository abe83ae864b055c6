/** What is found by its question. */
export interface Indexed {
  readonly hash: number;
  /** The question lies in `bytes` from `at` on. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
}

/** What is looked for: Question is one. */
export interface QuestionKey {
  readonly hash: number;
  readonly bytes: Uint8Array;
  readonly length: number;
}

const SLOTS_MIN = 1024;
/** Of the slots, at most so many are taken: then searches end soon. */
const LOAD_MAX = 0.5;

/**
 * A hash table by bytes, with open addressing and linear probing: no string is made to look something up. Grows with its
 * entries and never shrinks.
 */
export class QuestionIndex<T extends Indexed> {
  /** Length is a power of two. UNBOUNDED: whoever adds takes something out first. */
  #entries: (T | undefined)[] = emptySlots<T>(SLOTS_MIN);
  /** Hashes of the entries beside them: most others are told apart without being touched. */
  #hashes = new Int32Array(SLOTS_MIN);
  #size = 0;
  #hand = 0;

  get size(): number {
    return this.#size;
  }

  // HOT: runs once per packet.
  find(question: QuestionKey): T | undefined {
    const { hash } = question;
    const mask = this.#hashes.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#entries[slot];
      if (entry === undefined) return undefined;
      if (this.#hashes[slot] === hash && isSame(entry, question)) return entry;
    }
  }

  /** Adds what is not there yet. */
  add(entry: T): void {
    if (this.#size >= this.#hashes.length * LOAD_MAX) this.#grow();
    this.#place(entry);
    this.#size++;
  }

  remove(entry: T): void {
    const mask = this.#hashes.length - 1;
    let hole = entry.hash & mask;
    while (this.#entries[hole] !== entry) {
      if (this.#entries[hole] === undefined) return;
      hole = (hole + 1) & mask;
    }
    this.#size--;
    // Those behind move up, so that no search stops too early at the hole.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const follower = this.#entries[slot];
      if (follower === undefined) break;
      const distance = (slot - follower.hash) & mask;
      if (distance < ((slot - hole) & mask)) continue;
      this.#entries[hole] = follower;
      this.#hashes[hole] = follower.hash;
      hole = slot;
    }
    this.#entries[hole] = undefined;
  }

  /** Goes round over all entries, one at a call; undefined when there is none. */
  nextInTurn(): T | undefined {
    if (this.#size === 0) return undefined;
    const mask = this.#hashes.length - 1;
    for (;;) {
      this.#hand = (this.#hand + 1) & mask;
      const entry = this.#entries[this.#hand];
      if (entry !== undefined) return entry;
    }
  }

  #place(entry: T): void {
    const mask = this.#hashes.length - 1;
    let slot = entry.hash & mask;
    while (this.#entries[slot] !== undefined) slot = (slot + 1) & mask;
    this.#entries[slot] = entry;
    this.#hashes[slot] = entry.hash;
  }

  #grow(): void {
    const before = this.#entries;
    this.#entries = emptySlots<T>(before.length * 2);
    this.#hashes = new Int32Array(before.length * 2);
    for (const entry of before) if (entry !== undefined) this.#place(entry);
  }
}

function emptySlots<T>(count: number): (T | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}

function isSame(entry: Indexed, question: QuestionKey): boolean {
  const { bytes, at, length } = entry;
  if (length !== question.length) return false;
  for (let index = 0; index < length; index++) {
    if (bytes[at + index] !== question.bytes[index]) return false;
  }
  return true;
}

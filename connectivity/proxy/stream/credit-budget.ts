/**
 * Credit that all tunnels of a process may have given beyond each stream's first window: what bounds the memory that
 * peers can make us hold.
 *
 * BOUNDED: by `limitBytes`; a stream that gets nothing keeps the window it has.
 */
export class CreditBudget {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  tryTake(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.limitBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

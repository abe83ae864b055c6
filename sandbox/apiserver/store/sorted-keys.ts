/** A set of strings kept in byte order, so that pages and prefixes are ranges. */
export class SortedKeys {
  /** BOUNDED: by the objects of its collection. */
  readonly #keys: string[] = [];

  /** The caller makes sure that the key is new. */
  add(key: string): void {
    this.#keys.splice(this.#lowerBound(key), 0, key);
  }

  remove(key: string): void {
    const at = this.#lowerBound(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** Keys that start with `prefix`, in order; all for "". */
  withPrefix(prefix: string): string[] {
    const start = this.#lowerBound(prefix);
    let end = start;
    while (end < this.#keys.length && this.#keys[end]?.startsWith(prefix) === true) end += 1;
    return this.#keys.slice(start, end);
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

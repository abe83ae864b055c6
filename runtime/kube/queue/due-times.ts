interface Due {
  readonly key: string;
  readonly atMs: number;
}

/** Keys with a time each; the earliest time of a key counts. A binary heap whose outdated entries are skipped. */
export class DueTimes {
  /** BOUNDED: by the distinct keys that wait. */
  readonly #times = new Map<string, number>();
  /** BOUNDED: by #times and its superseded entries, which are swept when they outnumber the live ones. */
  #heap: Due[] = [];

  get size(): number {
    return this.#times.size;
  }

  has(key: string): boolean {
    return this.#times.has(key);
  }

  set(key: string, atMs: number): void {
    const known = this.#times.get(key);
    if (known !== undefined && known <= atMs) return;
    this.#times.set(key, atMs);
    this.#push({ key, atMs });
    if (this.#heap.length > 2 * this.#times.size + 16) this.#sweep();
  }

  delete(key: string): void {
    this.#times.delete(key);
  }

  /** The earliest time; undefined when nothing waits. */
  nextMs(): number | undefined {
    return this.#top()?.atMs;
  }

  /** Takes out one key whose time has come. */
  takeDue(nowMs: number): string | undefined {
    const top = this.#top();
    if (top === undefined || top.atMs > nowMs) return undefined;
    this.#pop();
    this.#times.delete(top.key);
    return top.key;
  }

  /** The earliest live entry; drops outdated ones on the way. */
  #top(): Due | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#times.get(top.key) === top.atMs) return top;
      this.#pop();
    }
    return undefined;
  }

  /** An array in ascending order is a heap. */
  #sweep(): void {
    this.#heap = [...this.#times]
      .map(([key, atMs]) => ({ key, atMs }))
      .sort((one, other) => one.atMs - other.atMs);
  }

  #push(due: Due): void {
    let at = this.#heap.push(due) - 1;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#heap[parentAt];
      if (parent === undefined || parent.atMs <= due.atMs) break;
      this.#heap[at] = parent;
      at = parentAt;
    }
    this.#heap[at] = due;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let at = 0;
    for (;;) {
      const childAt = this.#smallerChild(at);
      const child = this.#heap[childAt];
      if (child === undefined || child.atMs >= last.atMs) break;
      this.#heap[at] = child;
      at = childAt;
    }
    this.#heap[at] = last;
  }

  #smallerChild(at: number): number {
    const left = 2 * at + 1;
    const leftMs = this.#heap[left]?.atMs ?? Number.POSITIVE_INFINITY;
    const rightMs = this.#heap[left + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    return rightMs < leftMs ? left + 1 : left;
  }
}

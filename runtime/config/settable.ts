import type { Changing } from "./changing.ts";

/** For tests: a value that a test replaces. */
export class Settable<T> implements Changing<T> {
  #current: T;
  /** BOUNDED: by what the test assembles; who ends a subscription leaves. */
  readonly #listeners = new Set<() => void>();

  constructor(current: T) {
    this.#current = current;
  }

  get current(): T {
    return this.#current;
  }

  set(current: T): void {
    this.#current = current;
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

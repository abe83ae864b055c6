import { PerformanceObserver } from "node:perf_hooks";

/** Adds up how long this process has stood still for its garbage collector. */
export class GcPauses {
  #ms = 0;
  readonly #observer: PerformanceObserver;

  constructor() {
    this.#observer = new PerformanceObserver((list) => this.#add(list.getEntries()));
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Milliseconds since it was asked last. */
  take(): number {
    this.#add(this.#observer.takeRecords());
    const ms = this.#ms;
    this.#ms = 0;
    return ms;
  }

  #add(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) this.#ms += duration;
  }
}

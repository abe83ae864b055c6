import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";

/** Who wants to know when packets of what a slice says pass this gateway. */
export interface SliceWatch {
  /** A slice has changed. */
  saw(slice: EndpointSlice): void;
  /** The kernel is as these say. */
  admitted(slices: readonly EndpointSlice[]): void;
}

/** Slices that have changed and are not in the kernel yet. */
export class ChangedSlices {
  readonly #watch: SliceWatch | undefined;
  /** By key; the last one of each. BOUNDED: by the slices; none without somebody who wants to know, or while this is no gateway. */
  #waiting = new Map<string, EndpointSlice>();

  constructor(watch: SliceWatch | undefined) {
    this.#watch = watch;
  }

  add(key: string, slice: EndpointSlice): void {
    if (this.#watch === undefined) return;
    this.#watch.saw(slice);
    this.#waiting.set(key, slice);
  }

  /** Nothing comes of them here. */
  drop(): void {
    this.#waiting.clear();
  }

  /** Puts into the kernel what there is now; what changes meanwhile waits for the next time, and so does all when that fails. */
  async during<T extends { readonly ok: boolean }>(apply: () => Promise<T>): Promise<T> {
    const applying = this.#waiting;
    this.#waiting = new Map();
    const applied = await apply();
    if (applied.ok) this.#watch?.admitted([...applying.values()]);
    else this.#waiting = new Map([...applying, ...this.#waiting]);
    return applied;
  }
}

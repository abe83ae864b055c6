import type { FilterContents, SetElement } from "./filter-contents.ts";
import type { FilterSet } from "./filter-table.ts";

/** How long connections may go on over a way that slices have left, as when another path is used now; milliseconds. */
export const DRAIN_MS = 300_000;
/** Of elements that wait; the oldest go first. */
const ELEMENTS_MAX = 65_536;

const DRAINING: Readonly<Partial<Record<FilterSet, FilterSet>>> = {
  imported4: "draining4",
  imported6: "draining6",
};

/** Lets connections to peers' endpoints go on for a while after slices have left them. */
export class DrainingWays {
  readonly #contents: FilterContents;
  /** Oldest first. BOUNDED: by the elements in them. */
  readonly #waiting: { readonly key: string; readonly untilMs: number; readonly size: number }[] =
    [];
  #elements = 0;
  #made = 0;

  constructor(contents: FilterContents) {
    this.#contents = contents;
  }

  /** As `FilterContents.set`, at a monotonic time: what the slice let pass and lets no more, drains. */
  set(key: string, elements: readonly SetElement[], nowMs: number): void {
    const stays = new Set(elements.map(({ set, element }) => `${set} ${element}`));
    const left = this.#contents.of(key).flatMap(({ set, element }): readonly SetElement[] => {
      const draining = DRAINING[set];
      return draining === undefined || stays.has(`${set} ${element}`)
        ? []
        : [{ set: draining, element }];
    });
    this.#contents.set(key, elements);
    if (left.length === 0) return;
    this.#made += 1;
    // No slice is called so: theirs have a namespace.
    const drained = `draining ${this.#made}`;
    this.#contents.set(drained, left);
    this.#waiting.push({ key: drained, untilMs: nowMs + DRAIN_MS, size: left.length });
    this.#elements += left.length;
    while (this.#elements > ELEMENTS_MAX) this.#end();
  }

  /** Ends those whose time is over. */
  expire(nowMs: number): void {
    while ((this.#waiting[0]?.untilMs ?? Number.POSITIVE_INFINITY) <= nowMs) this.#end();
  }

  #end(): void {
    const ended = this.#waiting.shift();
    if (ended === undefined) return;
    this.#contents.set(ended.key, []);
    this.#elements -= ended.size;
  }
}

import type { Random } from "./random.ts";

/** Draws from a stream of random numbers, for tests and the simulation. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** 0 to limit - 1. */
  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  /** True once in so many. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  /** One or more of so many, but not all. */
  some(count: number): readonly number[] {
    const all = Array.from({ length: count }, (_, index) => index);
    const [left, taken] = [this.below(count), this.below(count - 1)];
    const others = all.filter((index) => index !== left);
    return others.filter((index) => index === others[taken] || this.chance(0.4));
  }

  /** Up to `max` of what `make` makes. */
  several<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.below(max + 1) }, make);
  }

  one<const T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("cannot draw: the list must not be empty");
    return item;
  }
}

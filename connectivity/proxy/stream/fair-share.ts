/** What one holder may have of what the others leave; the rest stays free for whoever comes next. */
const PART = 0.9;

/**
 * A limit that holders share, and within each of them its own holders: members, and the services of each. Nobody has to say how
 * many there are: however much one wants, and however many want, there is something left for one more, and what one gives back
 * the others may have.
 *
 * BOUNDED: by what is held; of who holds nothing nothing is kept.
 */
export class FairShare {
  readonly limit: number;
  readonly #place: { readonly parent: FairShare; readonly name: string } | undefined;
  readonly #holders = new Map<string, FairShare>();
  #used = 0;

  /** @param place of a holder, see `holder` */
  constructor(limit: number, place?: { readonly parent: FairShare; readonly name: string }) {
    this.limit = limit;
    this.#place = place;
  }

  get used(): number {
    return this.#used;
  }

  /** To be taken from at once: who holds nothing is forgotten, and must be asked for again. */
  holder(name: string): FairShare {
    return this.#holders.get(name) ?? new FairShare(this.limit, { parent: this, name });
  }

  /** False: that would be more than its share. */
  tryTake(amount: number): boolean {
    if (this.#used + amount > this.#room()) return false;
    this.#add(amount);
    return true;
  }

  giveBack(amount: number): void {
    this.#add(-amount);
  }

  /** All that it may hold while the others hold what they do. Rounded up, so that a limit of one lets one in. */
  #room(): number {
    if (this.#place === undefined) return this.limit;
    const { parent } = this.#place;
    return Math.ceil((parent.#room() - (parent.#used - this.#used)) * PART);
  }

  #add(amount: number): void {
    this.#used += amount;
    if (this.#place === undefined) return;
    const { parent, name } = this.#place;
    if (this.#used > 0) parent.#holders.set(name, this);
    else parent.#holders.delete(name);
    parent.#add(amount);
  }
}

/**
 * Runs things once at the end of the present turn of the event loop, after everything that could be read has been read.
 *
 * BOUNDED: by its users, each of whom is in it at most once.
 */
export class TurnEnd {
  #waiting: (() => void)[] = [];
  readonly #run = (): void => {
    const due = this.#waiting;
    this.#waiting = [];
    for (const each of due) each();
  };

  add(callback: () => void): void {
    if (this.#waiting.length === 0) setImmediate(this.#run);
    this.#waiting.push(callback);
  }
}

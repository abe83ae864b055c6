import type { Clock } from "../../runtime/clock/clock.ts";

/** Somebody who reads the log needs to know that there is no place; not of each who found none. */
const TELL_EVERY_MS = 60_000;

/** So many may be in at once. Says when there is no place left: at once, and then once a minute at most. */
export class Places {
  readonly #max: number;
  readonly #clock: Clock;
  readonly #onFull: () => void;
  #taken = 0;
  #toldAtMs: number | undefined;

  constructor(
    max: number,
    { clock, onFull }: { readonly clock: Clock; readonly onFull: () => void },
  ) {
    this.#max = max;
    this.#clock = clock;
    this.#onFull = onFull;
  }

  get taken(): number {
    return this.#taken;
  }

  /** False: there is none left. */
  tryTake(): boolean {
    if (this.#taken < this.#max) {
      this.#taken += 1;
      return true;
    }
    const nowMs = this.#clock.monotonicMs();
    if (this.#toldAtMs === undefined || nowMs - this.#toldAtMs >= TELL_EVERY_MS) {
      this.#toldAtMs = nowMs;
      this.#onFull();
    }
    return false;
  }

  giveBack(): void {
    this.#taken -= 1;
  }
}

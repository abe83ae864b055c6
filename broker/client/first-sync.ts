import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import { FORGET_UNHEARD_MS } from "./broker-link.ts";

/** What has been sent in whole at least once since this process started, and for how long that has been so. */
export class FirstSync {
  readonly #clock: Clock;
  readonly #onForget: () => void;
  #isDone = false;
  /** BOUNDED: by the namespaces wanted. */
  readonly #namespaces = new Set<string>();
  #sinceMs = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  /** @param onForget called once, when `forgetsUnheard` becomes true */
  constructor(clock: Clock, onForget: () => void) {
    this.#clock = clock;
    this.#onForget = onForget;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  has(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  /** Not wanted any more: wanted again, it is to be sent again. */
  drop(namespaces: ReadonlySet<string>): void {
    for (const name of namespaces) this.#namespaces.delete(name);
  }

  /** All of these have been sent; returns those of them that had not been before, or undefined when that is no news. */
  note(wanted: ReadonlySet<string>): ReadonlySet<string> | undefined {
    const isFirst = !this.#isDone;
    if (isFirst) {
      this.#isDone = true;
      this.#sinceMs = this.#clock.monotonicMs();
      // Whoever waits for a cluster that nobody has heard of is told when the waiting is over.
      this.#timer = this.#clock.setTimer(FORGET_UNHEARD_MS, this.#onForget);
    }
    const namespaces = new Set([...wanted].filter((name) => !this.#namespaces.has(name)));
    for (const name of namespaces) this.#namespaces.add(name);
    return isFirst || namespaces.size > 0 ? namespaces : undefined;
  }

  /** A cluster that the broker has not spoken of by now is taken for one that has nothing. */
  get forgetsUnheard(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs >= FORGET_UNHEARD_MS;
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

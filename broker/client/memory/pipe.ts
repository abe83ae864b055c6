import type { Clock, Timer } from "../../../runtime/clock/clock.ts";

/** Items under way after which a writer is told to wait. */
const WINDOW = 16;

export interface PipeOptions<T> {
  readonly clock: Clock;
  /** Drawn per delivery. */
  readonly latencyMs: () => number;
  readonly deliver: (item: T) => void;
  /** Room again after `push` said that there is none. */
  readonly drained: () => void;
}

/** One direction of a connection in memory: in order, late, and with back-pressure, as a real one. */
export class Pipe<T> {
  readonly #options: PipeOptions<T>;
  /** BOUNDED: by its writer, who stops when `push` says false (WINDOW and what one turn adds). */
  #items: T[] = [];
  #timer: Timer | undefined;
  #isPaused = false;
  #isClosed = false;
  #isFull = false;

  constructor(options: PipeOptions<T>) {
    this.#options = options;
  }

  /** False: taken, but wait for `drained`. */
  push(item: T): boolean {
    if (this.#isClosed) return false;
    this.#items.push(item);
    this.#arm();
    this.#isFull = this.#items.length >= WINDOW;
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#arm();
  }

  /** What is under way arrives so much later. */
  postpone(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#arm(delayMs);
  }

  /** What is under way is lost. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#items = [];
  }

  #arm(extraMs = 0): void {
    if (this.#timer !== undefined || this.#isPaused || this.#isClosed) return;
    if (this.#items.length === 0) return;
    const { clock, latencyMs } = this.#options;
    this.#timer = clock.setTimer(latencyMs() + extraMs, () => {
      this.#timer = undefined;
      this.#deliver();
    });
  }

  /** A batch per turn: what is pushed meanwhile waits for the next. */
  #deliver(): void {
    for (let left = this.#items.length; left > 0 && !this.#isPaused; left -= 1) {
      const item = this.#items.shift();
      if (item === undefined) break;
      this.#options.deliver(item);
    }
    if (this.#isFull && this.#items.length < WINDOW && !this.#isClosed) {
      this.#isFull = false;
      this.#options.drained();
    }
    this.#arm();
  }
}

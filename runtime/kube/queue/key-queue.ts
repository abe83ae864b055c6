import { invariant } from "../../../api/invariant.ts";
import { DueTimes } from "./due-times.ts";

/** While there is both, so many keys with news are taken for one of those that merely have their turn. */
const NEWS_PER_TURN = 7;

/**
 * Decides which key is worked on next. Keys deduplicate; one is never worked on twice at once; one added while
 * it is worked on comes again afterwards. No IO, no time of its own.
 *
 * Keys about which there is news go before keys that are looked at because everything is, so that a change is not
 * delayed by a start among thousands; but those have their turn too.
 *
 * A key is in exactly one of: absent, delayed, pending, running, running-and-dirty; running ones may be delayed too.
 */
export class KeyQueue {
  /** First in, first out. BOUNDED: by the distinct keys its users have (objects of a cluster). */
  readonly #pending = new Set<string>();
  /** As pending, after them. A key is in one of the two. BOUNDED: as pending. */
  readonly #inTurn = new Set<string>();
  #newsInARow = 0;
  /** BOUNDED: by the concurrency of the one who takes. */
  readonly #running = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #delayed = new DueTimes();
  /** Failures in a row. BOUNDED: by keys that fail and have not succeeded since. */
  readonly #failures = new Map<string, number>();

  /** There is news: now, or after the current run; a delay of the key is void. */
  add(key: string): void {
    this.#delayed.delete(key);
    this.#inTurn.delete(key);
    if (this.#running.has(key)) this.#dirty.add(key);
    else this.#pending.add(key);
  }

  /** As `add`, but after the keys with news. */
  addInTurn(key: string): void {
    if (this.#running.has(key)) this.add(key);
    if (this.#pending.has(key) || this.#dirty.has(key)) return;
    this.#delayed.delete(key);
    this.#inTurn.add(key);
  }

  /** No later than `atMs`; an earlier time, or a place in the queue, stands. */
  addAt(key: string, atMs: number): void {
    if (this.#pending.has(key) || this.#inTurn.has(key) || this.#dirty.has(key)) return;
    this.#delayed.set(key, atMs);
  }

  /** Makes keys whose time has come pending. */
  promote(nowMs: number): void {
    for (let key = this.#delayed.takeDue(nowMs); key !== undefined; ) {
      this.add(key);
      key = this.#delayed.takeDue(nowMs);
    }
  }

  /** The next key, now running; undefined when none is pending. */
  take(): string | undefined {
    const from = this.#nextFrom();
    const [key] = from;
    if (key === undefined) return undefined;
    from.delete(key);
    this.#running.add(key);
    return key;
  }

  /** The run went well. */
  succeeded(key: string): void {
    this.#end(key);
    this.#failures.delete(key);
    if (this.#dirty.delete(key)) this.add(key);
  }

  /**
   * The run failed: comes again at the time that `retryAtMs` gives for this many failures before. A key dirtied
   * meanwhile waits too: its own failing writes may be what dirties it.
   */
  failed(key: string, retryAtMs: (failures: number) => number): void {
    this.#end(key);
    this.#dirty.delete(key);
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#delayed.set(key, retryAtMs(failures));
  }

  /** When `promote` has something to do next. */
  nextDueMs(): number | undefined {
    return this.#delayed.nextMs();
  }

  get pending(): number {
    return this.#pending.size + this.#inTurn.size;
  }

  get running(): number {
    return this.#running.size;
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  #nextFrom(): Set<string> {
    const isTurn = this.#pending.size === 0 || this.#newsInARow >= NEWS_PER_TURN;
    if (isTurn && this.#inTurn.size > 0) {
      this.#newsInARow = 0;
      return this.#inTurn;
    }
    this.#newsInARow += 1;
    return this.#pending;
  }

  #end(key: string): void {
    invariant(this.#running.delete(key), "only a running key ends", { key });
  }
}

import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Random } from "../../../runtime/random/random.ts";

/** What to do with a key after a pass over it. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "again-after"; readonly delayMs: number }
  /** Tried again with growing delays until it works. */
  | { readonly kind: "failed"; readonly message: string };

export interface KeyLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const CONCURRENCY = 8;
const RETRY = { firstMs: 50, maxMs: 10_000 };

/** Runs one pass at a time for each key that changed; a key that changes during its pass gets another. */
export class KeyLoop {
  readonly #pass: (key: string, signal: AbortSignal) => Promise<Outcome>;
  readonly #deps: KeyLoopDeps;
  readonly #stopping = new AbortController();
  /** BOUNDED: by the objects of the cluster, as are the three below: each holds a key once. */
  readonly #dirty = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, Timer>();
  readonly #attempts = new Map<string, number>();

  constructor(pass: (key: string, signal: AbortSignal) => Promise<Outcome>, deps: KeyLoopDeps) {
    this.#pass = pass;
    this.#deps = deps;
  }

  /** Cheap; any number of calls before the pass are one. */
  add(key: string): void {
    if (this.#stopping.signal.aborted) return;
    this.#dirty.add(key);
    this.#pump();
  }

  /** Aborts the passes under way and waits for them. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#dirty.clear();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await Promise.all(this.#running.values());
  }

  #pump(): void {
    for (const key of this.#dirty) {
      if (this.#running.size >= CONCURRENCY) return;
      if (this.#running.has(key)) continue;
      this.#dirty.delete(key);
      this.#timers.get(key)?.cancel();
      this.#timers.delete(key);
      const pass = this.#run(key).finally(() => {
        this.#running.delete(key);
        this.#pump();
      });
      this.#running.set(key, pass);
    }
  }

  async #run(key: string): Promise<void> {
    const outcome = await this.#attempt(key);
    if (this.#stopping.signal.aborted) return;
    if (outcome.kind !== "failed") this.#attempts.delete(key);
    if (outcome.kind === "again-after") this.#schedule(key, outcome.delayMs);
    if (outcome.kind !== "failed") return;
    const attempt = this.#attempts.get(key) ?? 0;
    this.#attempts.set(key, attempt + 1);
    this.#deps.log.warn("pass failed", { key, attempt, err: outcome.message });
    this.#schedule(key, backoffMs(RETRY, attempt, this.#deps.random));
  }

  async #attempt(key: string): Promise<Outcome> {
    try {
      return await this.#pass(key, this.#stopping.signal);
    } catch (cause) {
      this.#deps.log.error("pass broke", { key, err: cause });
      return { kind: "failed", message: cause instanceof Error ? cause.message : String(cause) };
    }
  }

  #schedule(key: string, delayMs: number): void {
    this.#timers.get(key)?.cancel();
    this.#timers.set(
      key,
      this.#deps.clock.setTimer(delayMs, () => {
        this.#timers.delete(key);
        this.add(key);
      }),
    );
  }
}

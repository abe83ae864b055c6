import type { Result } from "../../api/result.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";

export interface ReconcileLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const RETRY = { firstMs: 100, maxMs: 10_000 };

/**
 * One pass at a time over the whole: at once when woken, again when woken meanwhile, again with backoff when it
 * failed, and every so often in any case, since others may change what is ours.
 */
export class ReconcileLoop {
  readonly #everyMs: number;
  readonly #deps: ReconcileLoopDeps;
  readonly #pass: (isPeriodic: boolean) => Promise<Result<void, string>>;
  #wanted = true;
  #wakeUp: AbortController | undefined;

  constructor(
    everyMs: number,
    deps: ReconcileLoopDeps,
    pass: (isPeriodic: boolean) => Promise<Result<void, string>>,
  ) {
    this.#everyMs = everyMs;
    this.#deps = deps;
    this.#pass = pass;
  }

  wake(): void {
    this.#wanted = true;
    this.#wakeUp?.abort();
  }

  /** Resolves when the signal has aborted and the pass under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps;
    let failures = 0;
    let isPeriodic = false;
    while (!signal.aborted) {
      this.#wanted = false;
      const done = await this.#pass(isPeriodic);
      if (signal.aborted) return;
      if (done.ok) failures = 0;
      else {
        log.error("data path not as planned", { err: done.error, failures });
        failures += 1;
      }
      const waitMs = done.ok ? this.#everyMs : backoffMs(RETRY, failures - 1, random);
      const isWoken = await this.#wokenWithin(clock, waitMs, signal);
      isPeriodic = done.ok && !isWoken;
    }
  }

  async #wokenWithin(clock: Clock, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#wanted) return true;
    const wakeUp = new AbortController();
    this.#wakeUp = wakeUp;
    await sleep(clock, waitMs, AbortSignal.any([signal, wakeUp.signal]));
    this.#wakeUp = undefined;
    return wakeUp.signal.aborted;
  }
}

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
/** What the kernel tells may be what the last pass did itself: it is looked at so long after that pass, or after it was told, milliseconds. */
const QUIET_MS = 1_000;

/**
 * One pass at a time over the whole: at once when woken, again when woken meanwhile, again with backoff when it
 * failed. Every so often, and when somebody may have changed what is ours, one that looks at what is there (a regular one), however often
 * it is woken between.
 */
export class ReconcileLoop {
  readonly #everyMs: number;
  readonly #deps: ReconcileLoopDeps;
  readonly #pass: (isRegular: boolean) => Promise<Result<void, string>>;
  #wanted = true;
  /** Monotonic; since when somebody may have changed what is ours. */
  #doubtedMs: number | undefined;
  #wakeUp: AbortController | undefined;

  constructor(
    everyMs: number,
    deps: ReconcileLoopDeps,
    pass: (isRegular: boolean) => Promise<Result<void, string>>,
  ) {
    this.#everyMs = everyMs;
    this.#deps = deps;
    this.#pass = pass;
  }

  wake(): void {
    this.#wanted = true;
    this.#wakeUp?.abort();
  }

  /** Somebody may have changed what is ours. */
  look(): void {
    this.#doubtedMs ??= this.#deps.clock.monotonicMs();
    this.#wakeUp?.abort();
  }

  /** Resolves when the signal has aborted and the pass under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps;
    let failures = 0;
    let lookedMs = clock.monotonicMs();
    let endedMs: number | undefined;
    const lookMs = (): number =>
      this.#doubtedMs === undefined
        ? lookedMs + this.#everyMs
        : Math.min(endedMs ?? lookedMs, this.#doubtedMs) + QUIET_MS;
    while (!signal.aborted) {
      this.#wanted = false;
      const nowMs = clock.monotonicMs();
      const isRegular = endedMs !== undefined && failures === 0 && nowMs >= lookMs();
      if (isRegular) {
        lookedMs = nowMs;
        this.#doubtedMs = undefined;
      }
      const done = await this.#pass(isRegular);
      if (signal.aborted) return;
      endedMs = clock.monotonicMs();
      if (done.ok) failures = 0;
      else {
        log.error("data path not as planned", { err: done.error, failures });
        failures += 1;
      }
      const retryMs = endedMs + backoffMs(RETRY, Math.max(0, failures - 1), random);
      await this.#untilWanted(done.ok ? lookMs : () => retryMs, signal);
    }
  }

  async #untilWanted(dueMs: () => number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    while (!this.#wanted && !signal.aborted) {
      const waitMs = Math.ceil(dueMs() - clock.monotonicMs());
      if (waitMs <= 0) return;
      const wakeUp = new AbortController();
      this.#wakeUp = wakeUp;
      await sleep(clock, waitMs, AbortSignal.any([signal, wakeUp.signal]));
      this.#wakeUp = undefined;
    }
  }
}

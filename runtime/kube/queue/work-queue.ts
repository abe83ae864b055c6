import { invariant } from "../../../api/invariant.ts";
import type { BackoffOptions } from "../../backoff/backoff.ts";
import { backoffMs } from "../../backoff/backoff.ts";
import type { Clock, Timer } from "../../clock/clock.ts";
import type { Logger } from "../../log/log.ts";
import type { Meter } from "../../metrics/meter.ts";
import type { Random } from "../../random/random.ts";
import { KeyQueue } from "./key-queue.ts";
import type { QueueMetrics } from "./queue-metrics.ts";
import { queueMetrics } from "./queue-metrics.ts";

/** What became of one job. A throw counts as failed, and is logged as the bug that it is. */
export type JobOutcome =
  | { readonly kind: "done" }
  /** Went well; look at the key again after this time. */
  | { readonly kind: "again-after"; readonly delayMs: number }
  /** Comes again with backoff; no sooner than `retryAfterMs` when given. */
  | {
      readonly kind: "failed";
      readonly error: unknown;
      readonly retryAfterMs?: number;
      /** Happens in good health, such as a conflict: worth a warning only when it goes on. */
      readonly isOrdinary?: boolean;
    };

/** `signal` aborts when the queue must end at once: give up what can be given up. */
export type Job = (key: string, signal: AbortSignal) => Promise<JobOutcome>;

export interface WorkQueueOptions {
  /** For logs and metrics, e.g. "service-import". */
  readonly name: string;
  /** Jobs at once. @default 4 */
  readonly concurrency?: number;
  /** Of a failing key. @default 50 ms to 60 s */
  readonly backoff?: BackoffOptions;
  /** How long jobs under way may go on after the stop. @default 5,000 */
  readonly drainMs?: number;
}

export interface WorkQueueDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Failures in a row of an ordinary kind that are nobody's business. */
const ORDINARY_FAILURES = 5;

const DEFAULTS = {
  concurrency: 4,
  backoff: { firstMs: 50, maxMs: 60_000 },
  drainMs: 5_000,
};

/** Runs one job per key at a time, several keys at once, and failing keys again with backoff. */
export class WorkQueue {
  readonly #options: Required<WorkQueueOptions>;
  readonly #deps: WorkQueueDeps;
  readonly #job: Job;
  readonly #metrics: QueueMetrics;
  readonly #keys = new KeyQueue();
  readonly #abortJobs = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #phase: "new" | "running" | "draining" | "ended" = "new";
  #promoteTimer: { readonly atMs: number; readonly timer: Timer } | undefined;
  #drainTimer: Timer | undefined;

  constructor(options: WorkQueueOptions, job: Job, deps: WorkQueueDeps) {
    this.#options = { ...DEFAULTS, ...options };
    this.#deps = { ...deps, log: deps.log.child({ queue: options.name }) };
    this.#job = job;
    this.#metrics = queueMetrics(deps.meter, options.name);
  }

  /** Keys may be added before; they run from now on. When the signal aborts, jobs under way are waited for. */
  start(signal: AbortSignal): void {
    invariant(this.#phase === "new", "a work queue starts once", { queue: this.#options.name });
    this.#phase = "running";
    if (signal.aborted) this.#drain();
    else signal.addEventListener("abort", () => this.#drain(), { once: true });
    this.#pump();
  }

  /** Resolves when no job runs any more, or after the drain time at the latest. */
  stopped(): Promise<void> {
    return this.#ended.promise;
  }

  /** There is news about the key: work on it now, or once more after its current run. */
  add(key: string): void {
    this.#keys.add(key);
    this.#pump();
  }

  /** The same, after the keys that were added because of news: for looks at everything at once. */
  addInTurn(key: string): void {
    this.#keys.addInTurn(key);
    this.#pump();
  }

  /** Work on the key no later than in `delayMs`. */
  addAfter(key: string, delayMs: number): void {
    this.#keys.addAt(key, this.#deps.clock.monotonicMs() + delayMs);
    this.#pump();
  }

  /** Nothing pending and nothing running (delayed keys may wait). */
  get idle(): boolean {
    return this.#keys.pending === 0 && this.#keys.running === 0;
  }

  #pump(): void {
    if (this.#phase === "running") {
      this.#keys.promote(this.#deps.clock.monotonicMs());
      while (this.#keys.running < this.#options.concurrency) {
        const key = this.#keys.take();
        if (key === undefined) break;
        void this.#run(key);
      }
      this.#setPromoteTimer();
    } else if (this.#phase === "draining" && this.#keys.running === 0) {
      this.#end();
    }
    this.#metrics.pending.set(this.#keys.pending);
    this.#metrics.delayed.set(this.#keys.delayed);
  }

  /** Never rejects. */
  async #run(key: string): Promise<void> {
    const { clock, log } = this.#deps;
    const startMs = clock.monotonicMs();
    const outcome = await this.#outcome(key);
    this.#metrics.observe(outcome.kind, clock.monotonicMs() - startMs);
    switch (outcome.kind) {
      case "done":
        this.#keys.succeeded(key);
        break;
      case "again-after":
        this.#keys.succeeded(key);
        this.#keys.addAt(key, clock.monotonicMs() + outcome.delayMs);
        break;
      case "failed":
        this.#keys.failed(key, (failures) => {
          const waitMs = this.#retryDelayMs(failures, outcome.retryAfterMs);
          const fields = { key, attempt: failures, delayMs: waitMs, err: outcome.error };
          if (outcome.isOrdinary === true && failures <= ORDINARY_FAILURES) {
            log.debug("job comes again", fields);
          } else log.warn("job failed", fields);
          return clock.monotonicMs() + waitMs;
        });
        break;
    }
    this.#pump();
  }

  async #outcome(key: string): Promise<JobOutcome> {
    try {
      return await this.#job(key, this.#abortJobs.signal);
    } catch (error) {
      this.#deps.log.error("job threw", { key, err: error });
      return { kind: "failed", error };
    }
  }

  #retryDelayMs(failures: number, retryAfterMs = 0): number {
    return Math.max(retryAfterMs, backoffMs(this.#options.backoff, failures, this.#deps.random));
  }

  #setPromoteTimer(): void {
    const atMs = this.#keys.nextDueMs();
    if (atMs === this.#promoteTimer?.atMs) return;
    this.#promoteTimer?.timer.cancel();
    this.#promoteTimer = undefined;
    if (atMs === undefined) return;
    // Whole milliseconds, rounded up: a timer that is a hair early would fire again and again.
    const delayMs = Math.max(1, Math.ceil(atMs - this.#deps.clock.monotonicMs()));
    const timer = this.#deps.clock.setTimer(delayMs, () => {
      this.#promoteTimer = undefined;
      this.#pump();
    });
    this.#promoteTimer = { atMs, timer };
  }

  #drain(): void {
    if (this.#phase !== "running") return;
    this.#phase = "draining";
    this.#promoteTimer?.timer.cancel();
    this.#drainTimer = this.#deps.clock.setTimer(this.#options.drainMs, () => {
      this.#deps.log.warn("jobs still running at the end", { running: this.#keys.running });
      this.#end();
    });
    this.#pump();
  }

  #end(): void {
    this.#phase = "ended";
    this.#drainTimer?.cancel();
    this.#abortJobs.abort();
    this.#ended.resolve();
  }
}

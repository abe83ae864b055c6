import { err, ok, type Result } from "../../../api/result.ts";
import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { MetricsSource } from "../../../runtime/http/health-server.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import {
  type MetricsSnapshot,
  retireMetrics,
  sumMetrics,
} from "../../../runtime/metrics/summed-metrics.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { StartWorker, WorkerChild } from "./worker-child.ts";
import type { FromWorker } from "./worker-messages.ts";

export interface WorkerPoolOptions {
  readonly count: number;
  readonly cookieSecret: string;
  /** What workers may take to drain when they are asked to stop, besides a few seconds. */
  readonly drainMs: number;
}

export interface WorkerPoolDeps {
  readonly startWorker: StartWorker;
  /** Metrics of the pool's own process. */
  readonly ownMetrics: () => Promise<MetricsSnapshot>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Worker {
  readonly number: number;
  child: WorkerChild | undefined;
  health: Result<string, string>;
  heardAtMs: number;
  /** Deaths since it was last well. */
  deaths: number;
  metrics: MetricsSnapshot;
  /** Scrapes that wait for its metrics. BOUNDED: by the connections of the health server. */
  readonly asked: (() => void)[];
  restart: Timer | undefined;
}

const RESTART = { firstMs: 500, maxMs: 30_000 };
const CHECK_MS = 1_000;
/** Without a sign of life for so long a worker does not count as ready, and after the second time it is ended. */
const SILENCE_MS = { notReady: 5_000, dead: 30_000 } as const;
const METRICS_WAIT_MS = 500;
const STOP_MS = 5_000;

/** Keeps a number of workers running, and speaks for all of them: health, metrics, stop. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #deps: WorkerPoolDeps;
  /** BOUNDED: by count. */
  readonly #workers: readonly Worker[];
  /** Counters of workers that have died, so that sums never fall. */
  #retired: Promise<MetricsSnapshot> = Promise.resolve([]);
  #check: Timer | undefined;
  #killing: Timer | undefined;
  #isStopping = false;
  #onEnd: (() => void) | undefined;
  #isRefused = false;

  constructor(options: WorkerPoolOptions, deps: WorkerPoolDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#workers = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      child: undefined,
      health: err("starting"),
      heardAtMs: 0,
      deaths: 0,
      metrics: [],
      asked: [],
      restart: undefined,
    }));
  }

  /**
   * Runs until the signal aborts and all workers have ended, or until one says that it cannot run at all.
   * @returns whether all is well: a worker that refuses has said why
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    for (const worker of this.#workers) this.#start(worker);
    this.#scheduleCheck();
    const stop = (): void => this.#stop();
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    await ended;
    this.#check?.cancel();
    this.#killing?.cancel();
    signal.removeEventListener("abort", stop);
    return !this.#isRefused;
  }

  /** For `/readyz`: well only when every worker is. */
  health(): Result<string, string> {
    if (this.#isStopping) return err("stopping");
    const problems = this.#workers.flatMap((worker) => {
      const health = this.#healthOf(worker);
      return health.ok ? [] : [`worker ${worker.number}: ${health.error}`];
    });
    return problems.length > 0 ? err(problems.join("; ")) : ok(`${this.#workers.length} workers`);
  }

  /** For `/metrics`: all workers and the pool as one process. A worker that does not answer counts as last heard. */
  readonly metrics: MetricsSource = {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    text: async () => {
      await Promise.all(this.#workers.map((worker) => this.#askMetrics(worker)));
      const own = await this.#deps.ownMetrics();
      const snapshots = [own, await this.#retired, ...this.#workers.map(({ metrics }) => metrics)];
      return (await sumMetrics(snapshots)).text;
    },
  };

  /** Workers look at their config file at once. */
  hangup(): void {
    for (const { child } of this.#workers) child?.send({ kind: "hangup" });
  }

  #healthOf({ child, health, heardAtMs }: Worker): Result<string, string> {
    const silentMs = this.#deps.clock.monotonicMs() - heardAtMs;
    if (child !== undefined && silentMs > SILENCE_MS.notReady) {
      return err(`no sign of life for ${Math.round(silentMs / 1000)} s`);
    }
    return health;
  }

  #askMetrics({ child, asked }: Worker): Promise<void> {
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimer(METRICS_WAIT_MS, resolve);
      asked.push(() => {
        timer.cancel();
        resolve();
      });
      child.send({ kind: "metrics" });
    });
  }

  #start(worker: Worker): void {
    const { startWorker, clock } = this.#deps;
    worker.health = err(worker.deaths === 0 ? "starting" : "starting again");
    worker.heardAtMs = clock.monotonicMs();
    const child = startWorker({
      onMessage: (message) => this.#hear(worker, message),
      onExit: (how) => this.#bury(worker, how),
    });
    worker.child = child;
    const { cookieSecret } = this.#options;
    child.send({ kind: "start", worker: worker.number, cookieSecret });
  }

  #hear(worker: Worker, message: FromWorker): void {
    worker.heardAtMs = this.#deps.clock.monotonicMs();
    if (message.kind === "health") {
      worker.health = message.isReady ? ok(message.text) : err(message.text);
      if (message.isReady) worker.deaths = 0;
    } else if (message.kind === "metrics") {
      worker.metrics = message.metrics;
      for (const done of worker.asked.splice(0)) done();
    } else {
      this.#isRefused = true;
      this.#stop();
    }
  }

  #bury(worker: Worker, how: string): void {
    worker.child = undefined;
    const { log, clock, random } = this.#deps;
    const last = worker.metrics;
    worker.metrics = [];
    for (const done of worker.asked.splice(0)) done();
    this.#retired = this.#retired.then((retired) => retireMetrics(retired, last));
    if (this.#isStopping) {
      this.#endIfDone();
      return;
    }
    const delayMs = backoffMs(RESTART, worker.deaths++, random);
    worker.health = err(`ended (${how}), starts again`);
    log.error("worker ended", { worker: worker.number, how, delayMs: Math.round(delayMs) });
    worker.restart = clock.setTimer(delayMs, () => this.#start(worker));
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const worker of this.#workers) {
      worker.restart?.cancel();
      worker.child?.disconnect();
    }
    this.#killing = this.#deps.clock.setTimer(this.#options.drainMs + STOP_MS, () => {
      for (const { child } of this.#workers) child?.kill();
    });
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#workers.every(({ child }) => child === undefined)) this.#onEnd?.();
  }

  #scheduleCheck(): void {
    const { clock, log } = this.#deps;
    this.#check = clock.setTimer(CHECK_MS, () => {
      for (const { number, child, heardAtMs } of this.#workers) {
        if (clock.monotonicMs() - heardAtMs <= SILENCE_MS.dead || child === undefined) continue;
        log.error("worker gives no sign of life", { worker: number });
        child.kill();
      }
      this.#scheduleCheck();
    });
  }
}

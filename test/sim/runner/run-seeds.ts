import { Worker } from "node:worker_threads";
import type { SeedJob, SeedResult } from "./run-seed.ts";

export interface SeedRange {
  readonly from: number;
  readonly count: number;
}

export interface RunSeedsOptions {
  readonly range: SeedRange;
  readonly job: SeedJob;
  /** Threads; each runs one seed at a time. */
  readonly jobs: number;
  /** In the order in which they end. */
  readonly onResult: (result: SeedResult) => void;
}

const WORKER = new URL("seed-worker.ts", import.meta.url);

/** Runs many seeds in threads. A seed that takes its thread down has failed too, and the others go on. */
export async function runSeeds(options: RunSeedsOptions): Promise<void> {
  const { range, jobs } = options;
  const seeds = seedsOf(range);
  const threads = Math.min(jobs, range.count);
  await Promise.all(Array.from({ length: threads }, () => work(seeds, options)));
}

function* seedsOf({ from, count }: SeedRange): Generator<number, void, undefined> {
  for (let seed = from; seed < from + count; seed += 1) yield seed;
}

/** One thread after another, until no seed is left. */
async function work(
  seeds: Generator<number, void, undefined>,
  { job, onResult }: RunSeedsOptions,
): Promise<void> {
  let thread: SeedThread | undefined;
  for (const seed of seeds) {
    thread = thread?.isAlive === true ? thread : new SeedThread(job);
    onResult(await thread.run(seed));
  }
  await thread?.stop();
}

class SeedThread {
  readonly #worker: Worker;
  #isAlive = true;
  #finish: ((result: SeedResult | string) => void) | undefined;

  constructor(job: SeedJob) {
    this.#worker = new Worker(WORKER, { workerData: job });
    this.#worker.on("message", (result: SeedResult) => this.#finish?.(result));
    this.#worker.on("error", (error: Error) => this.#died(error.stack ?? error.message));
    this.#worker.on("exit", (code) => this.#died(`exit code ${code}`));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  run(seed: number): Promise<SeedResult> {
    return new Promise((resolve) => {
      this.#finish = (result) => {
        this.#finish = undefined;
        if (typeof result !== "string") resolve(result);
        else resolve({ seed, steps: 0, violation: { invariant: "bug", text: result } });
      };
      this.#worker.postMessage(seed);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #died(reason: string): void {
    this.#isAlive = false;
    this.#finish?.(`thread ended: ${reason}`);
  }
}

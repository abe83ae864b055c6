import { parentPort, workerData } from "node:worker_threads";
import { runSeed, type SeedJob } from "./run-seed.ts";

/** Thread entry: a seed comes in, its result goes out, one at a time. */
const job = workerData as SeedJob;

parentPort?.on("message", (seed: number) => {
  void runSeed(seed, job).then((result) => parentPort?.postMessage(result));
});

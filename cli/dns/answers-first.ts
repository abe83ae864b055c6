import { readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** Name of the threads of V8 that mark what is garbage and compile beside the program. */
const HELPER = "V8Worker";
/** Steps of nice value: four such threads together then weigh less than half of the one that answers. */
const STEPS = 10;
const NICE_MAX = 19;

/**
 * V8 collects old objects with several threads beside the one that answers. On a core of its own each of them is welcome; with
 * no more than a core, or a part of one, they would take four fifths of it while they run. Call it once the process holds
 * what it is to hold: until then there is nothing to answer. Linux alone counts threads; elsewhere nothing happens.
 */
export function answersFirst(): void {
  if (process.platform !== "linux") return;
  const nice = Math.min(NICE_MAX, getPriority() + STEPS);
  for (const thread of readdirSync("/proc/self/task")) {
    try {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, "utf8");
      if (name.startsWith(HELPER)) setPriority(Number(thread), nice);
    } catch {
      // It has ended, or /proc is not shown: then collections cost answers time, as they would anyway.
    }
  }
}

import type { Samples, Summary } from "./samples.ts";
import { summaryOf } from "./samples.ts";

/** One thing that was measured between two clusters. What could not be measured is said to be just that. */
export interface Measurement {
  /** The cluster that exports. */
  readonly from: string;
  /** The cluster that resolves and asks. */
  readonly at: string;
  readonly measure: "propagation" | "dns" | "request" | "throughput" | "clean";
  readonly result: "measured" | "failed" | "not tested";
  /** From where, or why not. */
  readonly detail: string;
  /** Absent where nothing was measured. */
  readonly summary?: Summary;
  /** Of throughput. */
  readonly megabitsPerSecond?: number;
}

type About = Pick<Measurement, "from" | "at" | "measure">;

/** Tries that came to nothing have failed, all of them or none. */
export function measured(about: About, samples: Samples, detail: string): Measurement {
  const summary = summaryOf(samples);
  if (summary === undefined) {
    return {
      ...about,
      result: "failed",
      detail: `no answer to ${samples.failed} tries: ${detail}`,
    };
  }
  return { ...about, result: "measured", detail, summary };
}

/** Something was measured, and nothing failed. */
export function isGood(measurements: readonly Measurement[]): boolean {
  return (
    measurements.some(({ result }) => result === "measured") &&
    measurements.every(({ result }) => result !== "failed")
  );
}

import { z } from "zod";
import type { Samples } from "./samples.ts";

const samples = z.object({
  ms: z.array(z.number()),
  failed: z.number(),
  skipped: z.number(),
  elapsedMs: z.number(),
});

const report = z.object({
  dns: samples,
  request: samples,
  bytes: z.number(),
  /** What came, and in which time; absent: it did not come in whole. */
  bulkMs: z.number().optional(),
});

/** What a client in a pod has measured. */
export interface PodMeasures {
  readonly dns: Samples;
  readonly request: Samples;
  readonly bytes: number;
  readonly bulkMs?: number | undefined;
}

/** Undefined: it has not ended yet. */
export function podMeasures(log: string): PodMeasures | undefined {
  for (const line of log.split("\n").toReversed()) {
    try {
      const parsed = report.safeParse(JSON.parse(line));
      if (parsed.success) return parsed.data;
    } catch {
      // A line that is being written, or something of Node's own.
    }
  }
  return undefined;
}

import { z } from "zod";
import { lastLine } from "../verify/last-line.ts";
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
  return lastLine(log, report);
}

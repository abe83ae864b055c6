import type { Result } from "../../api/result.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";

export interface ApplyMetrics {
  observe(done: Result<void, string>, tookMs: number): void;
}

/** How often and how fast the kernel is brought to the plan. */
export function applyMetrics(part: "node_agent" | "gateway", meter: Meter): ApplyMetrics {
  const failures = meter.counter({
    name: `isthmus_${part}_apply_failures_total`,
    help: "Passes over the data path that failed.",
  });
  const seconds = meter.histogram({
    name: `isthmus_${part}_apply_seconds`,
    help: "Time of one pass over the data path.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  });
  failures.add(0);
  return {
    observe(done, tookMs) {
      seconds.observe(tookMs / 1_000);
      if (!done.ok) failures.add(1);
    },
  };
}

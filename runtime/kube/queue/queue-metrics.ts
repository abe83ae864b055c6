import type { Meter } from "../../metrics/meter.ts";

export interface QueueMetrics {
  readonly pending: { set(value: number): void };
  readonly delayed: { set(value: number): void };
  observe(outcome: string, durationMs: number): void;
}

const SECONDS_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];

export function queueMetrics(meter: Meter, queue: string): QueueMetrics {
  const keys = meter.gauge({
    name: "isthmus_queue_keys_count",
    help: "Keys that wait: pending (next free worker) or delayed (retry or planned look).",
    labels: ["queue", "state"],
  });
  const seconds = meter.histogram({
    name: "isthmus_queue_job_seconds",
    help: "Time of one job, by outcome.",
    labels: ["queue", "outcome"],
    buckets: SECONDS_BUCKETS,
  });
  return {
    pending: { set: (value) => keys.set(value, { queue, state: "pending" }) },
    delayed: { set: (value) => keys.set(value, { queue, state: "delayed" }) },
    observe: (outcome, durationMs) => seconds.observe(durationMs / 1_000, { queue, outcome }),
  };
}

import * as prom from "prom-client";

/** The metrics of one process at one time, as plain JSON that can be sent to another. */
export type MetricsSnapshot = Awaited<ReturnType<prom.Registry["getMetricsAsJSON"]>>;

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Several processes as one: counters and histograms are added, and so is what the runtime measures of each process, its memory
 * for one. Of our own gauges the largest counts: workers that hold the same would show it several times.
 */
export async function sumMetrics(snapshots: readonly MetricsSnapshot[]): Promise<MetricsText> {
  const registry = prom.AggregatorRegistry.aggregate(snapshots.map((snapshot) => snapshot));
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** What stays true of processes that have ended: counters and histograms, which must never fall. */
export async function retireMetrics(
  retired: MetricsSnapshot,
  ended: MetricsSnapshot,
): Promise<MetricsSnapshot> {
  const lasting = ended.filter(({ type }) => {
    // The declarations say a number; it is a word at run time.
    const kind = String(type);
    return kind === "counter" || kind === "histogram";
  });
  const registry = prom.AggregatorRegistry.aggregate([retired, lasting]);
  return registry.getMetricsAsJSON();
}

import type { EndpointsRow, ExportRow } from "../../api/broker/row.ts";
import { parseClusterId } from "../../api/cluster-id.ts";
import { deriveSlices } from "../../controllers/import/slices/derive-slices.ts";
import { mergeExports } from "../../controllers/merge/merge-exports.ts";
import { machineMs } from "./process-messages.ts";
import { rowsOf, type Workload } from "./workload.ts";

const ROUNDS = 2_000;

/** What one service from so many clusters costs a pass, without IO: microseconds, medians. */
export function measureMerge(clusters: number): {
  readonly mergeUs: number;
  readonly slicesUs: number;
} {
  const workload: Workload = {
    clusters,
    services: 1,
    exporters: clusters,
    endpointsPerService: clusters * 10,
    namespaces: 1,
  };
  const rows = Array.from({ length: clusters }, (_, at) => {
    const cluster = parseClusterId(`c${at}`);
    if (!cluster.ok) throw new Error(cluster.error);
    return rowsOf({ service: 0, cluster: cluster.value }, workload);
  }).flat();
  const exports = rows.filter((row): row is ExportRow => row.kind === "export");
  const endpoints = rows.filter((row): row is EndpointsRow => row.kind === "endpoints");
  const mergeTimes: number[] = [];
  const sliceTimes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = machineMs();
    const merged = mergeExports(exports);
    const mergedMs = machineMs();
    if (merged === undefined || deriveSlices(merged, endpoints, undefined).length !== clusters) {
      throw new Error("every cluster must have a slice");
    }
    mergeTimes.push(mergedMs - startMs);
    sliceTimes.push(machineMs() - mergedMs);
  }
  return { mergeUs: medianUs(mergeTimes), slicesUs: medianUs(sliceTimes) };
}

function medianUs(times: readonly number[]): number {
  const sorted = times.toSorted((left, right) => left - right);
  return Math.round((sorted[sorted.length >> 1] ?? Number.NaN) * 1_000);
}

import { isDeepStrictEqual } from "node:util";
import { type JsonRecord } from "../../api/json.ts";
import type { ServiceImport, ServiceImportStatus } from "../../api/mcs/service-import.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import { stampConditions } from "../reconcile/stamp-conditions.ts";
import { type ImportFacts, importReadiness } from "./import-readiness.ts";

/**
 * Status patch of an import: exactly the current exporters, ready endpoints or not (IMP-25, IMP-26), the Ready
 * condition, and that slices are maintained here (IMP-32, IMP-34).
 */
export function deriveImportStatus(
  observed: ServiceImport,
  merged: MergedService,
  facts: ImportFacts,
  nowMs: number,
): JsonRecord | undefined {
  const before = observed.status ?? {};
  const status: ServiceImportStatus = {
    clusters: merged.clusters.map((cluster) => ({ cluster })),
    conditions: stampConditions([importReadiness(merged, facts)], before.conditions ?? [], {
      ownTypes: ["Ready"],
      generation: observed.metadata.generation,
      nowMs,
    }),
    endpointSliceObjects: "Present",
  };
  // IMP-33: an older CRD prunes endpointSliceObjects; writing it again and again would change nothing.
  const { endpointSliceObjects: _now, ...rest } = status;
  const { endpointSliceObjects: slices, ...restBefore } = before;
  if (isDeepStrictEqual(restBefore, rest) && slices !== "Absent") return undefined;
  return { metadata: { resourceVersion: observed.metadata.resourceVersion }, status };
}

import type { RowAudience } from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { ANNOTATION_EXPORT_TO } from "../../api/mcs/labels.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";

/**
 * The clusters an export is for, as its annotation has them: cluster ids with commas between them. Undefined without the
 * annotation: all members. One that cannot be understood is an error rather than an export to everybody.
 */
export function exportAudience({
  metadata,
}: ServiceExport): Result<RowAudience | undefined, string> {
  const text = metadata.annotations?.[ANNOTATION_EXPORT_TO];
  if (text === undefined) return ok(undefined);
  const clusters = new Set<ClusterId>();
  for (const part of text.split(",")) {
    const cluster = parseClusterId(part.trim());
    if (!cluster.ok) {
      return err(
        `annotation ${ANNOTATION_EXPORT_TO} must be cluster ids with commas between them, such as "east,west": ${cluster.error}`,
      );
    }
    clusters.add(cluster.value);
  }
  return ok([...clusters].toSorted());
}

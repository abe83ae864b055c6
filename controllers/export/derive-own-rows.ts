import type { ExportRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { isTerminating } from "../../api/kube/namespace.ts";
import type { World } from "../reconcile/world.ts";
import { deriveEndpointsRows, type LocalEndpointsRow } from "./derive-endpoints-rows.ts";
import { deriveExportRow } from "./derive-export-row.ts";
import { exportAudience } from "./export-audience.ts";
import { type ExportVerdict, exportVerdict } from "./export-verdict.ts";

/** What this cluster says about one service. */
export type OwnExport =
  | { readonly kind: "none" }
  | { readonly kind: "invalid"; readonly verdict: ExportVerdict & { kind: "invalid" } }
  | {
      readonly kind: "exported";
      readonly row: ExportRow;
      readonly endpoints: readonly LocalEndpointsRow[];
    };

/** Nothing without a ServiceExport (EXP-04), nothing for an invalid one (EXP-18), nothing while it is being deleted. */
export function deriveOwnExport(cluster: ClusterId, world: World): OwnExport {
  const { serviceExport, service, namespaceObject } = world;
  if (serviceExport === undefined || serviceExport.metadata.deletionTimestamp !== undefined) {
    return { kind: "none" };
  }
  if (namespaceObject === undefined || isTerminating(namespaceObject)) return { kind: "none" };
  const verdict = exportVerdict(world.name, service, world.exportDenial);
  if (verdict.kind === "invalid") return { kind: "invalid", verdict };
  if (service === undefined) return { kind: "none" };
  const audience = exportAudience(serviceExport);
  if (!audience.ok) {
    const invalid = {
      kind: "invalid",
      reason: "InvalidExportTo",
      message: audience.error,
    } as const;
    return { kind: "invalid", verdict: invalid };
  }
  const only = audience.value === undefined ? {} : { audience: audience.value };
  const { namespace, name } = world;
  const rows = deriveEndpointsRows(cluster, { namespace, name }, world.sourceSlices);
  return {
    kind: "exported",
    row: { ...deriveExportRow(cluster, serviceExport, service), ...only },
    endpoints: rows.map((row) => ({ ...row, ...only })),
  };
}

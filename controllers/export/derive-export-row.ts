import type { ExportRow, RowPort } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { Service, ServicePort } from "../../api/kube/service.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import { withoutProtected } from "../merge/without-protected.ts";

/** What travels for a valid export (EXP-10, EXP-11): nothing from anybody's metadata (EXP-12). */
export function deriveExportRow(
  cluster: ClusterId,
  serviceExport: ServiceExport,
  service: Service,
): ExportRow {
  const { spec } = service;
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  return {
    kind: "export",
    cluster,
    namespace: service.metadata.namespace ?? "",
    name: service.metadata.name,
    createdAtMs: creationMs(serviceExport),
    type: spec.clusterIP === "None" ? "Headless" : "ClusterSetIP",
    ports: (spec.ports ?? []).map(toRowPort),
    sessionAffinity: spec.sessionAffinity ?? "None",
    ...(timeout === undefined ? {} : { sessionAffinityTimeoutSeconds: timeout }),
    ...(spec.internalTrafficPolicy === undefined
      ? {}
      : { internalTrafficPolicy: spec.internalTrafficPolicy }),
    ...(spec.trafficDistribution === undefined
      ? {}
      : { trafficDistribution: spec.trafficDistribution }),
    ipFamilies: spec.ipFamilies ?? [],
    labels: withoutProtected(serviceExport.spec?.exportedLabels),
    annotations: withoutProtected(serviceExport.spec?.exportedAnnotations),
  };
}

function toRowPort(port: ServicePort): RowPort {
  return {
    name: port.name ?? "",
    protocol: port.protocol ?? "TCP",
    port: port.port,
    ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
  };
}

/** The exporting API server's own stamp; never re-stamped on the way (CON-04). */
function creationMs(serviceExport: ServiceExport): number {
  const parsed = Date.parse(serviceExport.metadata.creationTimestamp ?? "");
  return Number.isNaN(parsed) ? 0 : Math.max(0, parsed);
}

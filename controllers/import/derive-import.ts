import type { OwnerReference } from "../../api/kube/object.ts";
import type { IpFamily, Service } from "../../api/kube/service.ts";
import { ANNOTATION_DERIVED_SERVICE, LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import type { ServiceImport, ServiceImportSpec } from "../../api/mcs/service-import.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import type { ConditionDraft } from "../reconcile/stamp-conditions.ts";
import { importPorts } from "./derive-ports.ts";
import { derivedServiceName } from "./derived-service/derived-service-name.ts";

/** Exported keys the import carries now, so that keys dropped later can be told from keys of others (IMP-24). */
export const ANNOTATION_EXPORTED_KEYS = "isthmus.dev/exported-keys";

export interface DesiredImport {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: ServiceImportSpec;
}

/**
 * The import as this member must hold it. `ips` and `ipFamilies` come from the derived Service together, so
 * that they are written together (IMP-15).
 * @param derived absent while there is none: no addresses yet.
 * @param families used for a Headless import, which has families but no addresses (IMP-13, IMP-17).
 */
export function deriveImport(
  merged: MergedService,
  derived: Service | undefined,
  families: readonly IpFamily[],
): DesiredImport {
  const timeout = merged.sessionAffinityTimeoutSeconds;
  return {
    labels: { ...merged.labels, [LABEL_MANAGED_BY]: MANAGED_BY },
    annotations: {
      ...merged.annotations,
      [ANNOTATION_DERIVED_SERVICE]: derivedServiceName(merged.namespace, merged.name),
      [ANNOTATION_EXPORTED_KEYS]: exportedKeys(merged),
    },
    spec: {
      type: merged.type,
      ports: importPorts(merged.ports),
      ...addresses(merged, derived, families),
      sessionAffinity: merged.sessionAffinity,
      ...(timeout === undefined
        ? {}
        : { sessionAffinityConfig: { clientIP: { timeoutSeconds: timeout } } }),
      ...(merged.internalTrafficPolicy === undefined
        ? {}
        : { internalTrafficPolicy: merged.internalTrafficPolicy }),
      ...(merged.trafficDistribution === undefined
        ? {}
        : { trafficDistribution: merged.trafficDistribution }),
    },
  };
}

function addresses(
  merged: MergedService,
  derived: Service | undefined,
  families: readonly IpFamily[],
): Pick<ServiceImportSpec, "ips" | "ipFamilies"> {
  if (merged.type === "Headless") return families.length === 0 ? {} : { ipFamilies: families };
  const ips = derived === undefined ? [] : clusterIps(derived);
  if (ips.length === 0) return {};
  return { ips, ipFamilies: (derived?.spec.ipFamilies ?? []).slice(0, ips.length) };
}

/** Allocated addresses; empty while there are none or when the Service is headless. */
export function clusterIps(service: Service): readonly string[] {
  const ips = service.spec.clusterIPs ?? (service.spec.clusterIP ? [service.spec.clusterIP] : []);
  return ips.filter((ip) => ip !== "" && ip !== "None");
}

function exportedKeys(merged: MergedService): string {
  return JSON.stringify({
    labels: Object.keys(merged.labels).toSorted(),
    annotations: Object.keys(merged.annotations).toSorted(),
  });
}

export function importReadiness(
  merged: MergedService,
  desired: DesiredImport,
  families: readonly IpFamily[],
): ConditionDraft {
  if (families.length === 0) {
    return {
      type: "Ready",
      status: "False",
      reason: "IPFamilyNotSupported",
      message: `this cluster supports none of the service's IP families: ${merged.ipFamilies.join(", ")}`,
    };
  }
  if (merged.type === "ClusterSetIP" && (desired.spec.ips ?? []).length === 0) {
    return {
      type: "Ready",
      status: "False",
      reason: "Pending",
      message: "waiting for the clusterset IP",
    };
  }
  return { type: "Ready", status: "True", reason: "Ready", message: "the service is reachable" };
}

export function isOwn(object: { readonly metadata: ServiceImport["metadata"] }): boolean {
  return object.metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY;
}

/** Garbage collection then covers what a crash leaves behind (EPS-09). */
export function ownerReference(serviceImport: ServiceImport): OwnerReference | undefined {
  const { uid, name } = serviceImport.metadata;
  if (uid === undefined) return undefined;
  return { apiVersion: serviceImport.apiVersion, kind: "ServiceImport", name, uid };
}

import type { OwnerReference } from "../../api/kube/object.ts";
import type { Service } from "../../api/kube/service.ts";
import { ANNOTATION_DERIVED_SERVICE, LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import type { ServiceImport, ServiceImportSpec } from "../../api/mcs/service-import.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import { withoutProtected } from "../merge/without-protected.ts";
import { importPorts } from "./derive-ports.ts";
import { derivedServiceName } from "./derived-service/derived-service-name.ts";
import type { ImportFacts } from "./import-readiness.ts";

/** Exported keys the import carries now, so that keys dropped later can be told from keys of others (IMP-24). */
export const ANNOTATION_EXPORTED_KEYS = "isthmus.dev/exported-keys";

/**
 * The exporters for whose sake the import was made, comma-separated: what it says of them before its status is written.
 * Without it a process that dies in between would leave an import that speaks of nobody (I4).
 */
export const ANNOTATION_CREATED_FOR = "isthmus.dev/created-for";

export interface DesiredImport {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: ServiceImportSpec;
}

export type ImportAddresses = Pick<ServiceImportSpec, "ips" | "ipFamilies">;

/** The import as this member must hold it: the same in every member but for its addresses (IMP-08). */
export function deriveImport(merged: MergedService, addresses: ImportAddresses): DesiredImport {
  const timeout = merged.sessionAffinityTimeoutSeconds;
  return {
    labels: { ...withoutProtected(merged.labels), [LABEL_MANAGED_BY]: MANAGED_BY },
    annotations: {
      ...withoutProtected(merged.annotations),
      [ANNOTATION_DERIVED_SERVICE]: derivedServiceName(merged.namespace, merged.name),
      [ANNOTATION_EXPORTED_KEYS]: exportedKeys(merged),
    },
    spec: {
      type: merged.type,
      ports: importPorts(merged.ports),
      ...addresses,
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

/**
 * `ips` and `ipFamilies`, which come from the derived Service together so that they are written together (IMP-15).
 * A headless import has families but no addresses (IMP-13, IMP-17).
 * @param before what the import says now: it stays while a lost Service is being made again with its address.
 */
export function importAddresses(
  merged: MergedService,
  { derived, families }: Pick<ImportFacts, "derived" | "families">,
  before: ImportAddresses,
): ImportAddresses {
  if (merged.type === "Headless") return families.length === 0 ? {} : { ipFamilies: families };
  switch (derived.kind) {
    case "none":
      return {};
    case "occupied":
      // Clients go on with the address they know, until its Service is gone and ours is made with that address.
      return derived.predecessor === undefined ? {} : allocated(derived.predecessor);
    case "there":
      return allocated(derived.service);
    case "failed":
      if (derived.service !== undefined) return allocated(derived.service);
      if (!derived.isAddressFree || before.ips === undefined) return {};
      return { ips: before.ips, ipFamilies: before.ipFamilies ?? [] };
  }
}

function allocated(derived: Service): ImportAddresses {
  const ips = clusterIps(derived);
  if (ips.length === 0) return {};
  return { ips, ipFamilies: (derived.spec.ipFamilies ?? []).slice(0, ips.length) };
}

/** Allocated addresses; empty while there are none or when the Service is headless. */
function clusterIps(service: Service): readonly string[] {
  const ips = service.spec.clusterIPs ?? (service.spec.clusterIP ? [service.spec.clusterIP] : []);
  return ips.filter((ip) => ip !== "" && ip !== "None");
}

function exportedKeys(merged: MergedService): string {
  return JSON.stringify({
    labels: Object.keys(merged.labels).toSorted(),
    annotations: Object.keys(merged.annotations).toSorted(),
  });
}

/** Garbage collection then covers what a crash leaves behind (EPS-09). */
export function ownerReference(serviceImport: ServiceImport): OwnerReference | undefined {
  const { uid, name } = serviceImport.metadata;
  if (uid === undefined) return undefined;
  return { apiVersion: serviceImport.apiVersion, kind: "ServiceImport", name, uid };
}

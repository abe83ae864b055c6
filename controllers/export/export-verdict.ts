import type { Service } from "../../api/kube/service.ts";
import type { VALID_REASONS } from "../../api/mcs/conditions.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";

/** May this Service be exported? (section 1.3 and 1.4) */
export type ExportVerdict =
  | { readonly kind: "valid" }
  | {
      readonly kind: "invalid";
      readonly reason: Exclude<(typeof VALID_REASONS)[number], "Valid">;
      readonly message: string;
    };

/** @param denial which rule keeps the namespace's exports here; undefined: none does. */
export function exportVerdict(
  name: string,
  service: Service | undefined,
  denial?: string,
): ExportVerdict {
  // Whatever the Service is: what would have to change first is told first.
  if (denial !== undefined) {
    return {
      kind: "invalid",
      reason: "NamespaceDenied",
      message: `exports of this namespace are denied by this cluster's policy: ${denial}`,
    };
  }
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
    return {
      kind: "invalid",
      reason: "NoService",
      message: `no Service named ${name} in this namespace: nothing is exported until it exists`,
    };
  }
  // EXP-17: decided before clusterIP is looked at, which is empty here.
  if (service.spec.type === "ExternalName") {
    return {
      kind: "invalid",
      reason: "InvalidServiceType",
      message: "a Service of type ExternalName cannot be exported",
    };
  }
  // A derived Service is the clusterset's own: exporting it would feed an import back into itself.
  if (service.metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY) {
    return {
      kind: "invalid",
      reason: "InvalidServiceType",
      message: "a derived Service of an import cannot be exported",
    };
  }
  return { kind: "valid" };
}

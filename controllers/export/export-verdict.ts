import type { Service } from "../../api/kube/service.ts";

/** May this Service be exported? (section 1.3 and 1.4) */
export type ExportVerdict =
  | { readonly kind: "valid" }
  | {
      readonly kind: "invalid";
      readonly reason: "NoService" | "InvalidServiceType";
      readonly message: string;
    };

export function exportVerdict(name: string, service: Service | undefined): ExportVerdict {
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
  return { kind: "valid" };
}

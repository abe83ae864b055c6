import type { Condition } from "../kube/condition.ts";
import type { KubeObject, Resource } from "../kube/object.ts";
import type { IpFamily, Protocol, SessionAffinityConfig } from "../kube/service.ts";
import { MCS_GROUP, type McsVersion } from "./service-export.ts";

export function serviceImports(version: McsVersion = "v1beta1"): Resource {
  return {
    group: MCS_GROUP,
    version,
    plural: "serviceimports",
    kind: "ServiceImport",
    namespaced: true,
  };
}

export type ServiceImportType = "ClusterSetIP" | "Headless";

export interface ImportPort {
  readonly name?: string;
  /** Always written: the CRD has no default (IMP-11). */
  readonly protocol: Protocol;
  readonly appProtocol?: string;
  readonly port: number;
}

export interface ServiceImportSpec {
  readonly type: ServiceImportType;
  /** Never absent or null, `[]` for a Service without ports (IMP-09). */
  readonly ports: readonly ImportPort[];
  readonly ips?: readonly string[];
  readonly ipFamilies?: readonly IpFamily[];
  readonly sessionAffinity?: string;
  readonly sessionAffinityConfig?: SessionAffinityConfig;
  readonly internalTrafficPolicy?: string;
  readonly trafficDistribution?: string;
}

export interface ServiceImportStatus {
  readonly clusters?: readonly { readonly cluster: string }[];
  readonly conditions?: readonly Condition[];
  readonly endpointSliceObjects?: "Present" | "Absent";
}

export interface ServiceImport extends KubeObject {
  readonly spec: ServiceImportSpec;
  readonly status?: ServiceImportStatus;
}

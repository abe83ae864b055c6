import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";

/** What `isthmus status` says of one member; also its JSON form. */
export interface MemberReport {
  /** Undefined: the cluster is not a member of a clusterset. */
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly exports: readonly {
    readonly service: string;
    /** `Type=Status/Reason` of each condition. */
    readonly conditions: readonly string[];
    /** What is wrong, if anything is. */
    readonly problem: string | undefined;
  }[];
  readonly imports: readonly {
    readonly service: string;
    readonly type: string;
    readonly ips: readonly string[];
    readonly clusters: readonly string[];
    readonly ready: boolean;
  }[];
}

export function memberReport(objects: {
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly exports: readonly ServiceExport[];
  readonly imports: readonly ServiceImport[];
}): MemberReport {
  return {
    clusterId: objects.clusterId,
    clusterset: objects.clusterset,
    exports: objects.exports.map((serviceExport) => {
      const conditions = serviceExport.status?.conditions ?? [];
      const bad = conditions.find(({ type, status }) =>
        type === "Conflict" ? status === "True" : status !== "True",
      );
      return {
        service: nameOf(serviceExport),
        conditions: conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`),
        problem: conditions.length === 0 ? "no controller has looked at it yet" : bad?.message,
      };
    }),
    imports: objects.imports.map((serviceImport) => ({
      service: nameOf(serviceImport),
      type: serviceImport.spec.type,
      ips: serviceImport.spec.ips ?? [],
      clusters: (serviceImport.status?.clusters ?? []).map(({ cluster }) => cluster),
      ready: (serviceImport.status?.conditions ?? []).some(
        ({ type, status }) => type === "Ready" && status === "True",
      ),
    })),
  };
}

function nameOf(object: ServiceExport | ServiceImport): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

import type { ExportRow, RowPort } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import type { ServiceImportType } from "../../api/mcs/service-import.ts";
import { type Conflict, findConflicts } from "./find-conflicts.ts";
import { mergeIpFamilies } from "./merge-ip-families.ts";
import { mergePorts } from "./merge-ports.ts";
import { byPrecedence } from "./precedence.ts";

/** What the clusterset agrees on for one service: the same in every member (CON-01). */
export interface MergedService {
  readonly namespace: string;
  readonly name: string;
  readonly type: ServiceImportType;
  readonly ports: readonly RowPort[];
  readonly sessionAffinity: string;
  readonly sessionAffinityTimeoutSeconds?: number;
  readonly internalTrafficPolicy?: string;
  readonly trafficDistribution?: string;
  readonly ipFamilies: readonly IpFamily[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Every exporter, in precedence order (IMP-25). */
  readonly exports: readonly ExportRow[];
  readonly clusters: readonly ClusterId[];
  /** Empty when all exports agree. Every exporter shows the same (CON-10). */
  readonly conflicts: readonly Conflict[];
}

/**
 * Decides what one service is, from all its valid exports: a pure function of the set, whatever its
 * order, arrival or repetition. The oldest export's values are used throughout (CON-05).
 * @returns undefined when nobody exports the service.
 */
export function mergeExports(rows: readonly ExportRow[]): MergedService | undefined {
  const exports = byPrecedence([...new Map(rows.map((row) => [row.cluster, row])).values()]);
  const winner = exports[0];
  if (winner === undefined) return undefined;
  const ports = mergePorts(exports);
  const families = mergeIpFamilies(exports);
  return {
    namespace: winner.namespace,
    name: winner.name,
    type: winner.type,
    ports: ports.ports,
    sessionAffinity: winner.sessionAffinity,
    ...optional("sessionAffinityTimeoutSeconds", winner.sessionAffinityTimeoutSeconds),
    ...optional("internalTrafficPolicy", winner.internalTrafficPolicy),
    ...optional("trafficDistribution", winner.trafficDistribution),
    ipFamilies: families.families,
    labels: winner.labels,
    annotations: winner.annotations,
    exports,
    clusters: exports.map((row) => row.cluster),
    conflicts: findConflicts(exports, ports, families),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

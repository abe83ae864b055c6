import type { ExportRow, RowPort } from "../../api/broker/row.ts";
import { CONFLICT_REASONS, type ConflictReason } from "../../api/mcs/conditions.ts";
import type { MergedIpFamilies } from "./merge-ip-families.ts";
import { type MergedPorts, samePortSet } from "./merge-ports.ts";

export interface Conflict {
  readonly reason: ConflictReason;
  /** Field, value used, whose it is and how many disagree (EXP-24). */
  readonly message: string;
}

/** One property that must be equal in all exports (section 3.2). */
interface Property {
  readonly reason: ConflictReason;
  readonly field: string;
  /** Shown in the message; equal strings mean agreement unless there is an `identity`. */
  readonly value: (row: ExportRow) => string;
  /** Equal strings mean agreement, where different values may look alike. @default value */
  readonly identity?: (row: ExportRow) => string;
  /** Exports that have a say. @default all */
  readonly applies?: (row: ExportRow, winner: ExportRow) => boolean;
}

/** Session affinity means nothing on a headless service: neither as the result nor as a dissenter (CON-09). */
const hasAffinity = (row: ExportRow, winner: ExportRow): boolean =>
  winner.type === "ClusterSetIP" && row.type === "ClusterSetIP";

const PROPERTIES: readonly Property[] = [
  { reason: "TypeConflict", field: "type", value: (row) => row.type },
  {
    reason: "SessionAffinityConflict",
    field: "sessionAffinity",
    value: (row) => row.sessionAffinity,
    applies: hasAffinity,
  },
  {
    reason: "SessionAffinityConfigConflict",
    field: "sessionAffinityConfig.clientIP.timeoutSeconds",
    value: (row) => String(row.sessionAffinityTimeoutSeconds ?? "unset"),
    applies: hasAffinity,
  },
  {
    reason: "AnnotationsConflict",
    field: "exportedAnnotations",
    value: (row) => mapText(row.annotations),
    identity: (row) => mapIdentity(row.annotations),
  },
  {
    reason: "LabelsConflict",
    field: "exportedLabels",
    value: (row) => mapText(row.labels),
    identity: (row) => mapIdentity(row.labels),
  },
  {
    reason: "InternalTrafficPolicyConflict",
    field: "internalTrafficPolicy",
    value: (row) => row.internalTrafficPolicy ?? "unset",
  },
  {
    reason: "TrafficDistributionConflict",
    field: "trafficDistribution",
    value: (row) => row.trafficDistribution ?? "unset",
  },
];

/** @param exports in precedence order, at least one. */
export function findConflicts(
  exports: readonly ExportRow[],
  ports: MergedPorts,
  families: MergedIpFamilies,
): readonly Conflict[] {
  const winner = exports[0];
  if (winner === undefined) return [];
  const found = PROPERTIES.map((property) => propertyConflict(property, winner, exports));
  found.push(portConflict(winner, exports, ports), familyConflict(winner, exports, families));
  return found
    .filter((conflict) => conflict !== undefined)
    .toSorted((a, b) => CONFLICT_REASONS.indexOf(a.reason) - CONFLICT_REASONS.indexOf(b.reason));
}

function propertyConflict(
  property: Property,
  winner: ExportRow,
  exports: readonly ExportRow[],
): Conflict | undefined {
  const voters = exports.filter((row) => property.applies?.(row, winner) ?? true);
  const identity = property.identity ?? property.value;
  const used = property.value(winner);
  const dissenters = voters.filter((row) => identity(row) !== identity(winner)).length;
  if (dissenters === 0) return undefined;
  return {
    reason: property.reason,
    message: sentence({
      field: property.field,
      used,
      winner,
      dissenters,
      total: exports.length,
    }),
  };
}

function portConflict(
  winner: ExportRow,
  exports: readonly ExportRow[],
  merged: MergedPorts,
): Conflict | undefined {
  if (!merged.conflict) return undefined;
  const dissenters = exports.filter((row) => !samePortSet(row.ports, winner.ports)).length;
  const added = merged.added.map(({ port, from }) => `${portText(port)} from ${from}`);
  const used = portsText(winner.ports);
  const tail = added.length === 0 ? "" : `, extended by ${shorten(added.join(", "))}`;
  return {
    reason: "PortConflict",
    message: sentence({ field: "ports", used, winner, dissenters, total: exports.length, tail }),
  };
}

function familyConflict(
  winner: ExportRow,
  exports: readonly ExportRow[],
  merged: MergedIpFamilies,
): Conflict | undefined {
  if (!merged.conflict) return undefined;
  const dissenters = exports.filter(
    (row) => row.ipFamilies.length > 0 && !row.ipFamilies.some((f) => merged.families.includes(f)),
  ).length;
  return {
    reason: "IPFamilyConflict",
    message: sentence({
      field: "ipFamilies",
      used: merged.families.join(", "),
      winner,
      dissenters,
      total: exports.length,
    }),
  };
}

interface Verdict {
  readonly field: string;
  readonly used: string;
  readonly winner: ExportRow;
  readonly dissenters: number;
  readonly total: number;
  readonly tail?: string;
}

function sentence({ field, used, winner, dissenters, total, tail = "" }: Verdict): string {
  return `${field}: ${shorten(used)} from ${winner.cluster} (oldest export) is used${tail}; ${dissenters} of ${total} clusters differ`;
}

function portsText(ports: readonly RowPort[]): string {
  return ports.length === 0 ? "no ports" : ports.map(portText).join(", ");
}

function portText(port: RowPort): string {
  const app = port.appProtocol === undefined ? "" : ` (${port.appProtocol})`;
  return `${port.name === "" ? "unnamed" : port.name} ${port.port}/${port.protocol}${app}`;
}

function mapText(map: Readonly<Record<string, string>>): string {
  const entries = Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? "none" : entries.map(([k, v]) => `${k}=${v}`).join(",");
}

/** Values are free text: only quoting tells `a=1,b=2` from `a=1` and `b=2`. */
function mapIdentity(map: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keeps the joined message far below the CRD's 32,768 characters however large the values are. */
function shorten(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 497)}...`;
}

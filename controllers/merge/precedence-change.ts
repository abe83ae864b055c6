import type { ExportRow } from "../../api/broker/row.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { MergedService } from "./merge-exports.ts";

/** An older export came and decides now, over one that is still there. */
export interface PrecedenceChange {
  readonly before: ExportRow;
  readonly now: ExportRow;
}

/**
 * Tells whether an export that came later claims to be older than the one that decided so far (SEC-07): clocks of other
 * clusters are not ours to check, and a made-up creation time takes a service over. What decided so far is read from the
 * import, whose exporters are listed in order of precedence, so that a restart forgets nothing. An export that merely
 * succeeds one that has left is no change of this kind.
 */
export function precedenceChange(
  serviceImport: ServiceImport | undefined,
  merged: MergedService,
): PrecedenceChange | undefined {
  const decided = serviceImport?.status?.clusters?.[0]?.cluster;
  const [now] = merged.exports;
  if (decided === undefined || now === undefined || now.cluster === decided) return undefined;
  const before = merged.exports.find(({ cluster }) => cluster === decided);
  const isNew = serviceImport?.status?.clusters?.every(({ cluster }) => cluster !== now.cluster);
  return before === undefined || isNew !== true ? undefined : { before, now };
}

/** For those who own an export that lost by it. */
export function precedenceText({ before, now }: PrecedenceChange): string {
  return `the export of cluster ${now.cluster} arrived and says it was created at ${stamp(now)}, before that of ${before.cluster} (${stamp(before)}): it decides ports, type and policies of this service from now on`;
}

function stamp({ createdAtMs }: ExportRow): string {
  return new Date(createdAtMs).toISOString();
}

import { isDeepStrictEqual } from "node:util";
import { rowKey } from "../../api/broker/row.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { Conflict } from "../merge/find-conflicts.ts";
import type { JsonRecord } from "../reconcile/merge-diff.ts";
import { stampConditions } from "../reconcile/stamp-conditions.ts";
import { deriveExportConditions, type Publication } from "./derive-export-conditions.ts";
import type { OwnExport } from "./derive-own-rows.ts";

/** Status patch of our own export (CON-14: every cluster writes only its own); undefined when it says the truth already. */
export function exportStatusPatch(
  serviceExport: ServiceExport,
  own: OwnExport,
  facts: {
    readonly publication: Publication;
    readonly conflicts: readonly Conflict[] | undefined;
    readonly nowMs: number;
  },
): JsonRecord | undefined {
  if (own.kind === "none") return undefined;
  const previous = serviceExport.status?.conditions ?? [];
  const drafts = deriveExportConditions(
    {
      verdict: own.kind === "invalid" ? own.verdict : { kind: "valid" },
      publication: facts.publication,
      conflicts: facts.conflicts,
    },
    previous,
  );
  const conditions = stampConditions(drafts, previous, {
    ownTypes: ["Valid", "Ready", "Conflict"],
    generation: serviceExport.metadata.generation,
    nowMs: facts.nowMs,
  });
  if (isDeepStrictEqual(previous, conditions)) return undefined;
  return {
    metadata: { resourceVersion: serviceExport.metadata.resourceVersion },
    status: { conditions },
  };
}

/** How far the broker has taken our rows of one service: one refused row makes the export not ready. */
export function publicationOf(own: OwnExport, link: BrokerLink): Publication {
  if (own.kind !== "exported") return { kind: "unknown" };
  for (const row of [own.row, ...own.endpoints]) {
    const reason = link.refusal(rowKey(row));
    if (reason !== undefined) return { kind: "refused", reason };
  }
  if (link.isStored(rowKey(own.row))) return { kind: "stored" };
  return { kind: link.hasSynced() ? "pending" : "unknown" };
}

import { isDeepStrictEqual } from "node:util";
import { rowKey } from "../../api/broker/row.ts";
import type { Condition } from "../../api/kube/condition.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import { stampConditions } from "../reconcile/stamp-conditions.ts";
import {
  deriveExportConditions,
  type ExportFacts,
  type Publication,
} from "./derive-export-conditions.ts";
import type { OwnExport } from "./derive-own-rows.ts";

/** Conditions of our own export (CON-14: every cluster writes only its own); undefined when they say the truth already. */
export function exportConditions(
  serviceExport: ServiceExport,
  own: OwnExport,
  facts: {
    readonly publication: Publication;
    readonly conflicts: ExportFacts["conflicts"];
    readonly nowMs: number;
  },
): readonly Condition[] | undefined {
  if (own.kind === "none") return undefined;
  const previous = serviceExport.status?.conditions ?? [];
  const drafts = deriveExportConditions(
    {
      verdict: own.kind === "invalid" ? own.verdict : { kind: "valid" },
      publication: facts.publication,
      ...(own.kind === "exported" && own.row.audience !== undefined
        ? { audience: own.row.audience }
        : {}),
      conflicts: facts.conflicts,
    },
    previous,
  );
  const conditions = stampConditions(drafts, previous, {
    ownTypes: ["Valid", "Ready", "Conflict"],
    generation: serviceExport.metadata.generation,
    nowMs: facts.nowMs,
  });
  return isDeepStrictEqual(previous, conditions) ? undefined : conditions;
}

/** How far the broker has taken our rows of one service: one refused row makes the export not ready. */
export function publicationOf(
  own: OwnExport,
  link: Pick<BrokerLink, "refusal" | "isStored" | "status" | "hasSynced">,
): Publication {
  if (own.kind !== "exported") return { kind: "unknown" };
  const refused = link.refusal(rowKey(own.row));
  if (refused !== undefined) return { kind: "refused", reason: refused };
  const slices = own.endpoints.flatMap((row) => {
    const reason = link.refusal(rowKey(row));
    return reason === undefined ? [] : [`EndpointSlice ${row.slice}: ${reason}`];
  });
  const [first] = slices;
  if (first !== undefined) {
    const others = slices.length === 1 ? "" : `; ${slices.length - 1} more are refused`;
    return { kind: "refused", reason: `${first}${others}` };
  }
  if (link.isStored(rowKey(own.row))) return { kind: "stored" };
  const status = link.status();
  // EXP-28: said, not waited out in silence.
  if (status.kind === "rejected") {
    return { kind: "refused", reason: `the broker rejects this cluster: ${status.reason}` };
  }
  return { kind: link.hasSynced() ? "pending" : "unknown" };
}

import type { RowAudience } from "../../api/broker/row.ts";
import type { Condition } from "../../api/kube/condition.ts";
import {
  type ExportConditionType,
  IMPORT_DENIED,
  MESSAGE_CHARS_MAX,
  NO_CONFLICTS,
  REASON_CHARS_MAX,
} from "../../api/mcs/conditions.ts";
import type { Conflict } from "../merge/find-conflicts.ts";
import type { ConditionDraft } from "../reconcile/stamp-conditions.ts";
import type { ExportVerdict } from "./export-verdict.ts";

export interface ExportFacts {
  readonly verdict: ExportVerdict;
  /** How far the export has come on its way to the broker. */
  readonly publication: Publication;
  /** The clusters it is for, when it is not for all. */
  readonly audience?: RowAudience;
  /**
   * Verdict of the merge; undefined while it is not known (before the first sync). `unseen`: which rule keeps other
   * clusters' exports from being seen here at all.
   */
  readonly conflicts: readonly Conflict[] | { readonly unseen: string } | undefined;
}

export type Publication =
  | { readonly kind: "stored" }
  | { readonly kind: "refused"; readonly reason: string }
  /** Known not to be stored yet. */
  | { readonly kind: "pending" }
  /** This process has not heard from the broker yet: what an earlier one wrote still stands. */
  | { readonly kind: "unknown" };

/**
 * State machine of EXP-27: Valid at once; Ready Unknown/Pending, then True/Exported once durable in the
 * broker; Conflict after the first merge. An invalid export is not Ready and has no Conflict.
 */
export function deriveExportConditions(
  facts: ExportFacts,
  previous: readonly Condition[],
): readonly ConditionDraft[] {
  if (facts.verdict.kind === "invalid") {
    const { reason, message } = facts.verdict;
    return [
      { type: "Valid", status: "False", reason, message },
      { type: "Ready", status: "False", reason: "Pending", message: "the export is not valid" },
    ];
  }
  const valid: ConditionDraft = {
    type: "Valid",
    status: "True",
    reason: "Valid",
    message: "the Service exists and can be exported",
  };
  const conflict = conflictCondition(facts.conflicts, previous);
  return [valid, readyCondition(facts, previous), ...(conflict ? [conflict] : [])];
}

function readyCondition(
  { publication, audience }: ExportFacts,
  previous: readonly Condition[],
): ConditionDraft {
  const before = find(previous, "Ready");
  switch (publication.kind) {
    case "stored":
      return {
        type: "Ready",
        status: "True",
        reason: "Exported",
        message: `stored by the broker and offered to ${offeredTo(audience)}`,
      };
    case "refused":
      return {
        type: "Ready",
        status: "False",
        reason: "Failed",
        message: publication.reason.slice(0, MESSAGE_CHARS_MAX),
      };
    case "pending":
      return pending(before === undefined || before.status === "Unknown" ? "Unknown" : "False");
    case "unknown":
      return before === undefined ? pending("Unknown") : draftOf(before);
  }
}

/** Until the API has a field for it (enhancements PR 6329), the message says for whom an export is. */
function offeredTo(audience: RowAudience | undefined): string {
  if (audience === undefined) return "the clusterset";
  const text = `these clusters alone: ${audience.join(", ")}`;
  return text.slice(0, MESSAGE_CHARS_MAX - 100);
}

function pending(status: "Unknown" | "False"): ConditionDraft {
  return {
    type: "Ready",
    status,
    reason: "Pending",
    message: "waiting for the broker to store the export",
  };
}

function conflictCondition(
  conflicts: ExportFacts["conflicts"],
  previous: readonly Condition[],
): ConditionDraft | undefined {
  if (conflicts === undefined) {
    const before = find(previous, "Conflict");
    return before === undefined ? undefined : draftOf(before);
  }
  if ("unseen" in conflicts) {
    return {
      type: "Conflict",
      status: "Unknown",
      reason: IMPORT_DENIED,
      message: `exports of other clusters are not seen here: imports into this namespace are denied by this cluster's policy: ${conflicts.unseen}`,
    };
  }
  if (conflicts.length === 0) {
    return {
      type: "Conflict",
      status: "False",
      reason: NO_CONFLICTS,
      message: "all exports of this service agree",
    };
  }
  return {
    type: "Conflict",
    status: "True",
    // EXP-20: commas without spaces, in the fixed order the conflicts come in.
    reason: conflicts
      .map((c) => c.reason)
      .join(",")
      .slice(0, REASON_CHARS_MAX),
    message: conflicts
      .map((c) => c.message)
      .join("\n")
      .slice(0, MESSAGE_CHARS_MAX),
  };
}

function find(conditions: readonly Condition[], type: ExportConditionType): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

function draftOf(condition: Condition): ConditionDraft {
  const { lastTransitionTime: _time, ...draft } = condition;
  return draft;
}

import type { Condition } from "../../api/kube/condition.ts";
import type { EventDraft } from "./event-draft.ts";

/**
 * Events that a change of an export's conditions is worth (EXP-25): one per change, so that an unchanged verdict is
 * not told twice, not even by a restarted process.
 */
export function exportEvents(
  previous: readonly Condition[],
  next: readonly Condition[],
): readonly EventDraft[] {
  return next.flatMap((condition) => {
    const before = previous.find(({ type }) => type === condition.type);
    if (before?.status === condition.status && before.reason === condition.reason) return [];
    return eventOf(before, condition) ?? [];
  });
}

function eventOf(before: Condition | undefined, now: Condition): EventDraft | undefined {
  const note = now.message;
  if (now.type === "Conflict") {
    if (now.status === "True") {
      return {
        type: "Warning",
        reason: "Conflict",
        action: "Merging",
        note: `${now.reason}: ${note}`,
      };
    }
    return before?.status === "True" && now.status === "False"
      ? { type: "Normal", reason: "ConflictResolved", action: "Merging", note }
      : undefined;
  }
  if (now.type === "Valid" && now.status === "False") {
    return { type: "Warning", reason: now.reason, action: "Validating", note };
  }
  if (now.type === "Ready" && now.status === "False" && now.reason === "Failed") {
    return { type: "Warning", reason: "ExportFailed", action: "Exporting", note };
  }
  return undefined;
}

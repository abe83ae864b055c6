import type { EventDraft } from "../events/event-draft.ts";
import type { World } from "../reconcile/world.ts";

/** Objects of ours stand where imports are denied now: they go, and this says why. */
export function importWithdrawn(world: World): EventDraft | undefined {
  const { importDenial, serviceImport } = world;
  if (importDenial === undefined || serviceImport === undefined) return undefined;
  return {
    type: "Warning",
    reason: "ImportDenied",
    action: "Withdrawing",
    note: `imports into this namespace are denied by this cluster's policy: ${importDenial}`,
  };
}

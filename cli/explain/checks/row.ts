import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Did the broker take this cluster's export? (EXP-27, EXP-28) */
export const checkRow: Check = ({ serviceExport }) => {
  if (!serviceExport.ok) return notTested(serviceExport.error);
  if (serviceExport.value === undefined) return notNeeded("this cluster does not export it");
  const conditions = serviceExport.value.status?.conditions ?? [];
  const isValid = conditions.some(({ type, status }) => type === "Valid" && status === "True");
  if (!isValid) return notNeeded("an export that is not valid is not sent");
  const ready = conditions.find(({ type }) => type === "Ready");
  if (ready === undefined) return notTested("the export says nothing of it yet");
  if (ready.status === "True") return right(ready.message);
  if (ready.reason === "Failed") {
    return wrong(
      `the broker refuses the export: ${ready.message}`,
      "change the Service or export so that it is allowed, or the hub's policy (isthmus broker --policy)",
    );
  }
  return wrong(
    `the broker has not stored the export: ${ready.message}`,
    "look whether this cluster is connected to the broker (above); an export that must wait for the hub's pace is sent by itself",
  );
};

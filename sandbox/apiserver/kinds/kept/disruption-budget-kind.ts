import { type FieldError, invalidValue } from "../../object/field-error.ts";
import { field, type JsonObject, numberAt, objectAt } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { anyObject } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";

/** Kept as it is: evictions here do not look at it. */
export const DISRUPTION_BUDGET = builtinKind({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  namespaced: true,
  description: "PodDisruptionBudget limits how many pods of a set may be evicted at a time.",
  subresources: { status: true },
  properties: {
    spec: anyObject("The pods, and how many must stay."),
    status: anyObject("How many are there."),
  },
  empty: { spec: {}, status: {} },
  columns: [
    textColumn("Min Available", "Pods that must stay.", (budget) => amount(budget, "minAvailable")),
    textColumn("Max Unavailable", "Pods that may go.", (budget) =>
      amount(budget, "maxUnavailable"),
    ),
    textColumn("Allowed Disruptions", "Pods that may go now.", (budget) =>
      String(numberAt(budget, ["status", "disruptionsAllowed"]) ?? 0),
    ),
    AGE_COLUMN,
  ],
  name: dnsSubdomain,
  generation: true,
  rules: { initialStatus: {}, validate: validateBudget },
});

function amount(budget: JsonObject, name: string): string {
  const value = field(objectAt(budget, ["spec"]), name);
  return typeof value === "number" || typeof value === "string" ? String(value) : "N/A";
}

function validateBudget(budget: JsonObject): readonly FieldError[] {
  const spec = objectAt(budget, ["spec"]);
  if (field(spec, "minAvailable") === undefined || field(spec, "maxUnavailable") === undefined) {
    return [];
  }
  return [invalidValue("spec", spec, "minAvailable and maxUnavailable cannot be both set")];
}

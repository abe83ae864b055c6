import { describe, expect, test } from "vitest";
import type { Condition } from "../../api/kube/condition.ts";
import { stampConditions } from "../reconcile/stamp-conditions.ts";
import { deriveExportConditions, type ExportFacts } from "./derive-export-conditions.ts";

const NOW = Date.UTC(2026, 5, 1);
const valid: ExportFacts = {
  verdict: { kind: "valid" },
  publication: { kind: "stored" },
  conflicts: [],
};

function condition(type: string, status: Condition["status"], reason: string): Condition {
  return { type, status, reason, message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
}

/** `Type=Status/Reason` of each condition. */
function texts(facts: ExportFacts, previous: readonly Condition[] = []): string[] {
  return deriveExportConditions(facts, previous).map((c) => `${c.type}=${c.status}/${c.reason}`);
}

describe("state machine of EXP-27", () => {
  test.each([
    {
      name: "first sight, broker not heard yet",
      facts: { ...valid, publication: { kind: "unknown" }, conflicts: undefined },
      previous: [],
      want: ["Valid=True/Valid", "Ready=Unknown/Pending"],
    },
    {
      name: "on its way",
      facts: { ...valid, publication: { kind: "pending" } },
      previous: [condition("Ready", "Unknown", "Pending")],
      want: ["Valid=True/Valid", "Ready=Unknown/Pending", "Conflict=False/NoConflicts"],
    },
    {
      name: "stored and agreed",
      facts: valid,
      previous: [],
      want: ["Valid=True/Valid", "Ready=True/Exported", "Conflict=False/NoConflicts"],
    },
    {
      name: "changed while the broker is away",
      facts: { ...valid, publication: { kind: "pending" } },
      previous: [condition("Ready", "True", "Exported")],
      want: ["Valid=True/Valid", "Ready=False/Pending", "Conflict=False/NoConflicts"],
    },
    {
      name: "refused",
      facts: { ...valid, publication: { kind: "refused", reason: "row too large" } },
      previous: [],
      want: ["Valid=True/Valid", "Ready=False/Failed", "Conflict=False/NoConflicts"],
    },
    {
      name: "imports are denied, so that other exports are not seen",
      facts: { ...valid, conflicts: { unseen: "a rule" } },
      previous: [condition("Conflict", "True", "PortConflict")],
      want: ["Valid=True/Valid", "Ready=True/Exported", "Conflict=Unknown/ImportDenied"],
    },
    {
      name: "restart without a broker keeps what was said",
      facts: { ...valid, publication: { kind: "unknown" }, conflicts: undefined },
      previous: [
        condition("Ready", "True", "Exported"),
        condition("Conflict", "True", "PortConflict"),
      ],
      want: ["Valid=True/Valid", "Ready=True/Exported", "Conflict=True/PortConflict"],
    },
    {
      name: "invalid drops Conflict",
      facts: {
        ...valid,
        verdict: { kind: "invalid", reason: "NoService", message: "none" },
      },
      previous: [condition("Conflict", "True", "PortConflict")],
      want: ["Valid=False/NoService", "Ready=False/Pending"],
    },
    {
      name: "several conflicts joined by commas (EXP-20)",
      facts: {
        ...valid,
        conflicts: [
          { reason: "PortConflict", message: "a" },
          { reason: "TypeConflict", message: "b" },
        ],
      },
      previous: [],
      want: ["Valid=True/Valid", "Ready=True/Exported", "Conflict=True/PortConflict,TypeConflict"],
    },
  ] as const)("$name", ({ facts, previous, want }) => {
    expect(texts(facts, previous)).toEqual(want);
  });

  test("a joined reason fits the CRD's pattern", () => {
    const reason = deriveExportConditions(
      {
        ...valid,
        conflicts: [
          { reason: "PortConflict", message: "" },
          { reason: "LabelsConflict", message: "" },
        ],
      },
      [],
    ).find((c) => c.type === "Conflict")?.reason;
    expect(reason).toMatch(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/);
  });
});

describe("stampConditions", () => {
  const facts = { ownTypes: ["Valid", "Ready", "Conflict"], generation: 2, nowMs: NOW };

  test("the transition time moves only when the status flips (EXP-23)", () => {
    const previous = [condition("Valid", "True", "Valid"), condition("Ready", "False", "Pending")];
    const stamped = stampConditions(deriveExportConditions(valid, previous), previous, facts);
    expect(stamped.map((c) => [c.type, c.lastTransitionTime])).toEqual([
      ["Valid", "2026-01-01T00:00:00Z"],
      ["Ready", "2026-06-01T00:00:00Z"],
      ["Conflict", "2026-06-01T00:00:00Z"],
    ]);
  });

  test("a second pass over its own result changes nothing (I9)", () => {
    const once = stampConditions(deriveExportConditions(valid, []), [], facts);
    const twice = stampConditions(deriveExportConditions(valid, once), once, {
      ...facts,
      nowMs: NOW + 5e6,
    });
    expect(twice).toEqual(once);
  });

  test("conditions of other writers stay, ours that are no longer drafted go", () => {
    const foreign = condition("Gateway", "True", "Up");
    const stale = condition("Conflict", "True", "PortConflict");
    const stamped = stampConditions(
      [{ type: "Valid", status: "False", reason: "NoService", message: "" }],
      [foreign, stale],
      facts,
    );
    expect(stamped.map((c) => c.type)).toEqual(["Gateway", "Valid"]);
    expect(stamped[0]).toBe(foreign);
  });
});

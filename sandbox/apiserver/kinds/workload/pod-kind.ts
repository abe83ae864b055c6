import {
  field,
  isObject,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  withField,
} from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { POD_SPEC, POD_STATUS } from "./pod-spec-schema.ts";
import { validatePodSpec, validatePodUpdate } from "./pod-validation.ts";

export const POD = builtinKind({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  subresources: { status: true },
  description: "Pod is a collection of containers that can run on a host.",
  properties: { spec: POD_SPEC, status: POD_STATUS },
  empty: { spec: { containers: null }, status: {} },
  columns: [
    textColumn("Ready", "Containers that are ready.", ready),
    textColumn("Status", "Phase or reason.", (pod) => podStatus(pod)),
    textColumn("Restarts", "Restarts of all containers.", restarts),
    AGE_COLUMN,
    wide("IP", "Address of the pod.", ["status", "podIP"]),
    wide("Node", "Node of the pod.", ["spec", "nodeName"]),
    wide("Nominated Node", "Node that others are moved away from.", [
      "status",
      "nominatedNodeName",
    ]),
    textColumn("Readiness Gates", "Gates that are passed.", readinessGates, 1),
  ],
  name: dnsSubdomain,
  generation: true,
  rules: {
    initialStatus: { phase: "Pending", qosClass: "BestEffort" },
    applyDefaults: (pod) => {
      const spec = defaultPodSpec(objectAt(pod, ["spec"]));
      const linked = withField(
        spec,
        "enableServiceLinks",
        field(spec, "enableServiceLinks") ?? true,
      );
      return { ...pod, spec: linked, status: field(pod, "status") ?? {} };
    },
    validate: (pod) => validatePodSpec(objectAt(pod, ["spec"]), "spec"),
    validateUpdate: validatePodUpdate,
  },
});

function containerStatuses(pod: JsonObject): readonly JsonObject[] {
  return listAt(pod, ["status", "containerStatuses"]).filter(isObject);
}

function ready(pod: JsonObject): string {
  const all = listAt(pod, ["spec", "containers"]).length;
  return `${containerStatuses(pod).filter((status) => status["ready"] === true).length}/${all}`;
}

function podStatus(pod: JsonObject): string {
  if (stringAt(pod, ["metadata", "deletionTimestamp"]) !== "") return "Terminating";
  const [reason] = containerStatuses(pod).map(containerReason).filter(Boolean);
  return reason ?? (stringAt(pod, ["status", "reason"]) || stringAt(pod, ["status", "phase"]));
}

/** Why a container does not run, "" when it does. */
function containerReason(status: JsonObject): string {
  const waiting = stringAt(status, ["state", "waiting", "reason"]);
  return waiting || stringAt(status, ["state", "terminated", "reason"]);
}

/** Passed of all gates: `1/2`. */
function readinessGates(pod: JsonObject): string {
  const gates = listAt(pod, ["spec", "readinessGates"]).filter(isObject);
  if (gates.length === 0) return "<none>";
  const conditions = listAt(pod, ["status", "conditions"]).filter(isObject);
  const passed = gates.filter((gate) =>
    conditions.some((one) => one["type"] === gate["conditionType"] && one["status"] === "True"),
  );
  return `${passed.length}/${gates.length}`;
}

/** A column of `-o wide` with the text at `path`. */
function wide(name: string, description: string, path: readonly string[]): PrinterColumn {
  return textColumn(name, description, (pod) => stringAt(pod, path) || "<none>", 1);
}

function restarts(pod: JsonObject): string {
  const counts = containerStatuses(pod).map((status) => numberAt(status, ["restartCount"]) ?? 0);
  return String(counts.reduce((sum, count) => sum + count, 0));
}

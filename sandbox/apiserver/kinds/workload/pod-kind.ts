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
    { ...textColumn("Restarts", "Restarts of all containers.", restarts) },
    AGE_COLUMN,
    textColumn(
      "IP",
      "Address of the pod.",
      (pod) => stringAt(pod, ["status", "podIP"]) || "<none>",
      1,
    ),
    textColumn(
      "Node",
      "Node of the pod.",
      (pod) => stringAt(pod, ["spec", "nodeName"]) || "<none>",
      1,
    ),
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
  return stringAt(pod, ["status", "reason"]) || stringAt(pod, ["status", "phase"]);
}

function restarts(pod: JsonObject): string {
  const counts = containerStatuses(pod).map((status) => numberAt(status, ["restartCount"]) ?? 0);
  return String(counts.reduce((sum, count) => sum + count, 0));
}

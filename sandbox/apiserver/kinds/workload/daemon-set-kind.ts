import { field, type JsonObject, numberAt, objectAt, stringAt } from "../../object/json.ts";
import { int32, int64, intOrString, pointer, struct, text } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, labelsText, textColumn } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import {
  CONDITIONS,
  MIN_READY,
  SELECTOR,
  TEMPLATE,
  workload,
  workloadRules,
} from "./workload-parts.ts";

const COUNTS = {
  desiredNumberScheduled: "Nodes that should run the pod.",
  currentNumberScheduled: "Nodes that should and do.",
  numberReady: "Nodes where it is ready.",
  updatedNumberScheduled: "Nodes with a pod of the current template.",
  numberAvailable: "Nodes where it is available.",
  numberMisscheduled: "Nodes that should not and do.",
  numberUnavailable: "Nodes that should and where it is not available.",
} as const;

/** Kept, and run by nobody: the sandbox has no node that is a machine of its own. */
export const DAEMON_SET = builtinKind({
  ...workload("DaemonSet", "daemonsets", "ds"),
  subresources: { status: true },
  description: "DaemonSet ensures that a pod runs on every node.",
  properties: {
    spec: struct("DaemonSetSpec", "Desired behavior of the DaemonSet.", {
      selector: SELECTOR,
      template: TEMPLATE,
      updateStrategy: struct("DaemonSetUpdateStrategy", "How to replace pods.", {
        type: text("RollingUpdate or OnDelete."),
        rollingUpdate: struct("RollingUpdateDaemonSet", "Parameters of a rolling update.", {
          maxUnavailable: pointer(intOrString("Pods that may be unavailable. Defaults to 1.")),
          maxSurge: pointer(intOrString("Nodes that may have two. Defaults to 0.")),
        }),
      }),
      minReadySeconds: MIN_READY,
      revisionHistoryLimit: pointer(int32("Old revisions to keep. Defaults to 10.")),
    }),
    status: struct("DaemonSetStatus", "Most recently observed status.", {
      ...Object.fromEntries(
        Object.entries(COUNTS).map(([name, meaning]) => [name, pointer(int32(meaning))]),
      ),
      observedGeneration: int64("Generation observed by the controller."),
      collisionCount: pointer(int32("Hash collisions so far.")),
      conditions: CONDITIONS,
    }),
  },
  empty: {
    spec: { selector: null, template: { metadata: {}, spec: { containers: null } } },
    status: {},
  },
  columns: [
    count("Desired", "desiredNumberScheduled"),
    count("Current", "currentNumberScheduled"),
    count("Ready", "numberReady"),
    count("Up-to-date", "updatedNumberScheduled"),
    count("Available", "numberAvailable"),
    textColumn("Node Selector", "The nodes.", (object) =>
      labelsText(objectAt(object, ["spec", "template", "spec", "nodeSelector"])),
    ),
    AGE_COLUMN,
  ],
  rules: { ...workloadRules(), applyDefaults: defaultDaemonSet },
});

function count(name: string, key: keyof typeof COUNTS): PrinterColumn {
  return textColumn(name, COUNTS[key], (object) => String(numberAt(object, ["status", key]) ?? 0));
}

function defaultDaemonSet(object: JsonObject): JsonObject {
  const spec = objectAt(object, ["spec"]);
  const template = objectAt(spec, ["template"]);
  const type = stringAt(spec, ["updateStrategy", "type"]) || "RollingUpdate";
  const rolling = {
    maxUnavailable: 1,
    maxSurge: 0,
    ...objectAt(spec, ["updateStrategy", "rollingUpdate"]),
  };
  return {
    ...object,
    spec: {
      ...spec,
      template: {
        ...template,
        metadata: objectAt(template, ["metadata"]),
        spec: defaultPodSpec(objectAt(template, ["spec"])),
      },
      updateStrategy: type === "RollingUpdate" ? { type, rollingUpdate: rolling } : { type },
      revisionHistoryLimit: field(spec, "revisionHistoryLimit") ?? 10,
    },
    status: field(object, "status") ?? {},
  };
}

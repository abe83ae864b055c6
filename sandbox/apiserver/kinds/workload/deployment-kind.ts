import { field, type JsonObject, objectAt, stringAt, withField } from "../../object/json.ts";
import {
  bool,
  int32,
  intOrString,
  pointer,
  retainKeys,
  struct,
  text,
} from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import { validateRollout } from "./deployment-validation.ts";
import {
  count,
  defaultWorkload,
  desired,
  MIN_READY,
  REPLICAS,
  SELECTOR,
  STATUS,
  TEMPLATE,
  validateWorkload,
  WIDE_COLUMNS,
  workload,
  workloadRules,
} from "./workload-parts.ts";

export const DEPLOYMENT = builtinKind({
  ...workload("Deployment", "deployments", "deploy"),
  description: "Deployment enables declarative updates for Pods and ReplicaSets.",
  properties: {
    spec: struct("DeploymentSpec", "Desired behavior of the Deployment.", {
      replicas: REPLICAS,
      selector: SELECTOR,
      template: TEMPLATE,
      strategy: retainKeys(
        struct("DeploymentStrategy", "How to replace pods.", {
          type: text("Recreate or RollingUpdate."),
          rollingUpdate: struct("RollingUpdateDeployment", "Parameters of a rolling update.", {
            maxUnavailable: pointer(intOrString("Pods that may be unavailable. Defaults to 25%.")),
            maxSurge: pointer(
              intOrString("Pods that may be above the desired number. Defaults to 25%."),
            ),
          }),
        }),
      ),
      minReadySeconds: MIN_READY,
      revisionHistoryLimit: pointer(int32("Old ReplicaSets to keep. Defaults to 10.")),
      paused: bool("The deployment is paused."),
      progressDeadlineSeconds: pointer(int32("Seconds to make progress. Defaults to 600.")),
    }),
    status: STATUS,
  },
  empty: {
    spec: { selector: null, template: { metadata: {}, spec: { containers: null } }, strategy: {} },
    status: {},
  },
  columns: [
    textColumn(
      "Ready",
      "Ready pods of desired ones.",
      (object) => `${count(object, "readyReplicas")}/${desired(object)}`,
    ),
    textColumn("Up-to-date", "Pods of the current template.", (object) =>
      count(object, "updatedReplicas"),
    ),
    textColumn("Available", "Pods that are available.", (object) =>
      count(object, "availableReplicas"),
    ),
    AGE_COLUMN,
    ...WIDE_COLUMNS,
  ],
  rules: {
    ...workloadRules(),
    validate: (object) => [...validateWorkload(object), ...validateRollout(object)],
    applyDefaults: (object) => defaultDeployment(defaultWorkload(object)),
  },
});

function defaultDeployment(deployment: JsonObject): JsonObject {
  const type = stringAt(deployment, ["spec", "strategy", "type"]) || "RollingUpdate";
  const rolling = objectAt(deployment, ["spec", "strategy", "rollingUpdate"]);
  const strategy =
    type === "RollingUpdate"
      ? { type, rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%", ...rolling } }
      : { ...objectAt(deployment, ["spec", "strategy"]), type };
  const spec = objectAt(deployment, ["spec"]);
  return withField(deployment, "spec", {
    ...spec,
    strategy,
    revisionHistoryLimit: field(spec, "revisionHistoryLimit") ?? 10,
    progressDeadlineSeconds: field(spec, "progressDeadlineSeconds") ?? 600,
  });
}

import { type FieldError, invalidValue, required } from "../../object/field-error.ts";
import {
  field,
  fieldAt,
  isObject,
  type JsonObject,
  jsonEquals,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  withField,
} from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { validateLabels } from "../../object/validate-metadata.ts";
import {
  atomicList,
  atomicStruct,
  bool,
  int32,
  int64,
  intOrString,
  mapList,
  pointer,
  retainKeys,
  struct,
  text,
  textMap,
  time,
} from "../../schema/build-schema.ts";
import { OBJECT_META } from "../../schema/object-schema.ts";
import type { Schema } from "../../schema/schema.ts";
import { type BuiltinKind, builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";
import { validateRollout } from "./deployment-validation.ts";
import { formatSelector, selects } from "./label-selector.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { POD_SPEC } from "./pod-spec-schema.ts";
import { validatePodSpec } from "./pod-validation.ts";

export const SELECTOR = atomicStruct("LabelSelector", "Selects the pods of this workload.", {
  matchLabels: textMap("Labels a pod must have."),
  matchExpressions: atomicList(
    "Requirements a pod must meet.",
    struct("LabelSelectorRequirement", "A requirement.", {
      key: text("Key of the label."),
      operator: text("In, NotIn, Exists or DoesNotExist."),
      values: atomicList("Values for In and NotIn.", text("A value.")),
    }),
  ),
});

export const TEMPLATE = struct("PodTemplateSpec", "The pods that will be created.", {
  metadata: OBJECT_META,
  spec: POD_SPEC,
});

export const CONDITIONS = mapList(
  "Latest observations of the workload's state.",
  { keys: ["type"], mergeKey: "type" },
  struct("DeploymentCondition", "State of one aspect.", {
    type: text("Type of the condition."),
    status: text("True, False or Unknown."),
    lastUpdateTime: time("Last time the condition was updated."),
    lastTransitionTime: time("Last time the condition changed."),
    reason: text("Why it changed."),
    message: text("Details."),
  }),
);

const STATUS: Schema = struct("DeploymentStatus", "Most recently observed status.", {
  observedGeneration: int64("Generation observed by the controller."),
  replicas: int32("Pods that match the selector."),
  fullyLabeledReplicas: int32("Pods that have all labels of the template."),
  updatedReplicas: int32("Pods of the current template."),
  readyReplicas: int32("Pods that are ready."),
  availableReplicas: int32("Pods that are available."),
  unavailableReplicas: int32("Pods still required."),
  terminatingReplicas: pointer(int32("Pods that are terminating.")),
  collisionCount: pointer(int32("Hash collisions so far.")),
  conditions: CONDITIONS,
});

const REPLICAS = pointer(int32("Number of desired pods. Defaults to 1."));
export const MIN_READY = int32("Seconds a new pod must be ready to be available.");

const WIDE_COLUMNS: readonly PrinterColumn[] = [
  textColumn("Containers", "Names of the containers.", (object) => ofContainers(object, "name"), 1),
  textColumn("Images", "Images of the containers.", (object) => ofContainers(object, "image"), 1),
  textColumn("Selector", "What pods are counted.", selectorText, 1),
];

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

export const REPLICA_SET = builtinKind({
  ...workload("ReplicaSet", "replicasets", "rs"),
  description: "ReplicaSet ensures that a number of pod replicas are running at any given time.",
  properties: {
    spec: struct("ReplicaSetSpec", "Desired behavior of the ReplicaSet.", {
      replicas: REPLICAS,
      selector: SELECTOR,
      template: TEMPLATE,
      minReadySeconds: MIN_READY,
    }),
    status: STATUS,
  },
  empty: { spec: { selector: null }, status: { replicas: 0 } },
  columns: [
    textColumn("Desired", "Desired pods.", desired),
    textColumn("Current", "Pods there are.", (object) => count(object, "replicas")),
    textColumn("Ready", "Ready pods.", (object) => count(object, "readyReplicas")),
    AGE_COLUMN,
    ...WIDE_COLUMNS,
  ],
  rules: { ...workloadRules(), applyDefaults: defaultWorkload },
});

export function workload(
  kind: string,
  plural: string,
  shortName: string,
): Pick<
  BuiltinKind,
  | "group"
  | "version"
  | "kind"
  | "plural"
  | "shortNames"
  | "categories"
  | "namespaced"
  | "subresources"
  | "name"
  | "generation"
> {
  return {
    group: "apps",
    version: "v1",
    kind,
    plural,
    shortNames: [shortName],
    categories: ["all"],
    namespaced: true,
    subresources: { status: true, scale: true },
    name: dnsSubdomain,
    generation: true,
  };
}

export function workloadRules(): BuiltinKind["rules"] {
  return { initialStatus: {}, validate: validateWorkload, validateUpdate: validateSelectorUpdate };
}

function defaultWorkload(object: JsonObject): JsonObject {
  const spec = objectAt(object, ["spec"]);
  const template = objectAt(spec, ["template"]);
  const pod = defaultPodSpec(objectAt(template, ["spec"]));
  return {
    ...object,
    spec: {
      ...spec,
      replicas: field(spec, "replicas") ?? 1,
      template: { ...template, metadata: objectAt(template, ["metadata"]), spec: pod },
    },
    status: field(object, "status") ?? {},
  };
}

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

function validateWorkload(object: JsonObject): readonly FieldError[] {
  const replicas = numberAt(object, ["spec", "replicas"]) ?? 0;
  const selector = field(objectAt(object, ["spec"]), "selector");
  const template = objectAt(object, ["spec", "template"]);
  const labels = objectAt(template, ["metadata", "labels"]);
  const errors: FieldError[] = [];
  if (replicas < 0) {
    errors.push(invalidValue("spec.replicas", replicas, "must be greater than or equal to 0"));
  }
  if (selector === undefined) {
    errors.push(required("spec.selector"), mismatch(template));
  } else if (isObject(selector) && isEmptySelector(selector)) {
    errors.push(
      invalidValue("spec.selector", selector, "empty selector is invalid for deployment"),
    );
  } else if (isObject(selector) && !selects(selector, labels)) {
    errors.push(mismatch(template));
  }
  const pod = objectAt(template, ["spec"]);
  errors.push(...validateLabels(labels, "spec.template.labels"));
  errors.push(...validatePodSpec(pod, "spec.template.spec"));
  if (stringAt(pod, ["restartPolicy"]) !== "Always") {
    const policy = stringAt(pod, ["restartPolicy"]);
    errors.push({
      type: "FieldValueNotSupported",
      field: "spec.template.spec.restartPolicy",
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Always"`,
    });
  }
  return errors;
}

function mismatch(template: JsonObject): FieldError {
  const labels = fieldAt(template, ["metadata", "labels"]) ?? null;
  const text = "`selector` does not match template `labels`";
  return invalidValue("spec.template.metadata.labels", labels, text);
}

function validateSelectorUpdate(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const selector = field(objectAt(next, ["spec"]), "selector");
  if (jsonEquals(selector, field(objectAt(old, ["spec"]), "selector"))) return [];
  return [invalidValue("spec.selector", selector, "field is immutable")];
}

function isEmptySelector(selector: JsonObject): boolean {
  const labels = Object.keys(objectAt(selector, ["matchLabels"])).length;
  return labels === 0 && listAt(selector, ["matchExpressions"]).length === 0;
}

function ofContainers(object: JsonObject, name: string): string {
  const containers = listAt(object, ["spec", "template", "spec", "containers"]);
  return containers.map((container) => stringAt(container, [name])).join(",");
}

function selectorText(object: JsonObject): string {
  return formatSelector(objectAt(object, ["spec", "selector"])) || "<none>";
}

function count(object: JsonObject, name: string): string {
  return String(numberAt(object, ["status", name]) ?? 0);
}

function desired(object: JsonObject): string {
  return String(numberAt(object, ["spec", "replicas"]) ?? 0);
}

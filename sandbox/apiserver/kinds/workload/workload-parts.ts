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
} from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { validateLabels } from "../../object/validate-metadata.ts";
import {
  atomicList,
  atomicStruct,
  int32,
  int64,
  mapList,
  pointer,
  struct,
  text,
  textMap,
  time,
} from "../../schema/build-schema.ts";
import { OBJECT_META } from "../../schema/object-schema.ts";
import type { Schema } from "../../schema/schema.ts";
import type { BuiltinKind } from "../builtin-kind.ts";
import { textColumn } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";
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

export const STATUS: Schema = struct("DeploymentStatus", "Most recently observed status.", {
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

export const REPLICAS = pointer(int32("Number of desired pods. Defaults to 1."));
export const MIN_READY = int32("Seconds a new pod must be ready to be available.");

export const WIDE_COLUMNS: readonly PrinterColumn[] = [
  textColumn("Containers", "Names of the containers.", (object) => ofContainers(object, "name"), 1),
  textColumn("Images", "Images of the containers.", (object) => ofContainers(object, "image"), 1),
  textColumn("Selector", "What pods are counted.", selectorText, 1),
];

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
  return {
    initialStatus: {},
    validate: (object) => validateWorkload(object),
    validateUpdate: validateSelectorUpdate,
  };
}

export function defaultWorkload(object: JsonObject): JsonObject {
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

/** What is asked of every workload, in the order the real server reports it. */
export function validateWorkload(object: JsonObject, noun = "deployment"): readonly FieldError[] {
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
    errors.push(invalidValue("spec.selector", selector, `empty selector is invalid for ${noun}`));
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

/** A count of the status, as text. */
export function count(object: JsonObject, name: string): string {
  return String(numberAt(object, ["status", name]) ?? 0);
}

/** Replicas that are wanted, as text. */
export function desired(object: JsonObject): string {
  return String(numberAt(object, ["spec", "replicas"]) ?? 0);
}

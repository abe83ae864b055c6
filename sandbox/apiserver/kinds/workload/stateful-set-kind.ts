import { type FieldError, forbiddenField, invalidValue } from "../../object/field-error.ts";
import { field, type JsonObject, jsonEquals, objectAt, stringAt } from "../../object/json.ts";
import { dnsLabel } from "../../object/name-rules.ts";
import {
  anyObject,
  atomicList,
  int32,
  int64,
  pointer,
  struct,
  text,
} from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import {
  CONDITIONS,
  count,
  defaultWorkload,
  desired,
  MIN_READY,
  REPLICAS,
  SELECTOR,
  TEMPLATE,
  validateWorkload,
  WIDE_COLUMNS,
  workload,
} from "./workload-parts.ts";

const POLICIES = ["OrderedReady", "Parallel"];

/** All that may change of a spec (apps/v1). */
const CHANGEABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

/** Claims for volumes are kept, and made by nobody: a sandbox pod has no volumes. */
export const STATEFUL_SET = builtinKind({
  ...workload("StatefulSet", "statefulsets", "sts"),
  name: dnsLabel,
  description: "StatefulSet represents a set of pods with consistent identities.",
  properties: {
    spec: struct("StatefulSetSpec", "Desired identities of pods.", {
      replicas: REPLICAS,
      selector: SELECTOR,
      template: TEMPLATE,
      volumeClaimTemplates: atomicList("Claims that pods may refer to.", anyObject("A claim.")),
      serviceName: text("Headless Service that gives pods their names."),
      podManagementPolicy: text("OrderedReady, one after another, or Parallel."),
      updateStrategy: struct("StatefulSetUpdateStrategy", "How to replace pods.", {
        type: text("RollingUpdate or OnDelete."),
        rollingUpdate: struct("RollingUpdateStatefulSetStrategy", "Parameters.", {
          partition: pointer(int32("Least ordinal to be updated. Defaults to 0.")),
        }),
      }),
      revisionHistoryLimit: pointer(int32("Old revisions to keep. Defaults to 10.")),
      minReadySeconds: MIN_READY,
      persistentVolumeClaimRetentionPolicy: struct(
        "StatefulSetPersistentVolumeClaimRetentionPolicy",
        "What becomes of claims.",
        {
          whenDeleted: text("Retain or Delete."),
          whenScaled: text("Retain or Delete."),
        },
      ),
      ordinals: struct("StatefulSetOrdinals", "Numbers of the pods.", {
        start: int32("The first. Defaults to 0."),
      }),
    }),
    status: struct("StatefulSetStatus", "Most recently observed status.", {
      observedGeneration: int64("Generation observed by the controller."),
      replicas: int32("Pods there are."),
      readyReplicas: int32("Pods that are ready."),
      currentReplicas: int32("Pods of the current revision."),
      updatedReplicas: int32("Pods of the update revision."),
      currentRevision: text("Revision that pods had."),
      updateRevision: text("Revision that pods get."),
      collisionCount: pointer(int32("Hash collisions so far.")),
      availableReplicas: int32("Pods that are available."),
      conditions: CONDITIONS,
    }),
  },
  empty: {
    spec: {
      selector: null,
      template: { metadata: {}, spec: { containers: null } },
      serviceName: "",
      updateStrategy: {},
    },
    status: { replicas: 0, availableReplicas: 0 },
  },
  columns: [
    textColumn(
      "Ready",
      "Ready pods of desired ones.",
      (object) => `${count(object, "readyReplicas")}/${desired(object)}`,
    ),
    AGE_COLUMN,
    ...WIDE_COLUMNS.slice(0, 2),
  ],
  rules: {
    initialStatus: { replicas: 0, availableReplicas: 0 },
    validate: (object) => [...validatePolicy(object), ...validateWorkload(object, "statefulset")],
    validateUpdate: validateStatefulSetUpdate,
    applyDefaults: (object) => defaultStatefulSet(defaultWorkload(object)),
  },
});

function validatePolicy(object: JsonObject): readonly FieldError[] {
  const policy = stringAt(object, ["spec", "podManagementPolicy"]);
  if (POLICIES.includes(policy)) return [];
  const rule = `must be '${POLICIES[0]}' or '${POLICIES[1]}'`;
  return [invalidValue("spec.podManagementPolicy", policy, rule)];
}

function validateStatefulSetUpdate(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const fixed = (object: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(objectAt(object, ["spec"])).filter(([name]) => !CHANGEABLE.includes(name)),
    );
  if (jsonEquals(fixed(next), fixed(old))) return [];
  const names = CHANGEABLE.map((name) => `'${name}'`);
  const listed = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const rule = `updates to statefulset spec for fields other than ${listed} are forbidden`;
  return [forbiddenField("spec", rule)];
}

function defaultStatefulSet(object: JsonObject): JsonObject {
  const spec = objectAt(object, ["spec"]);
  const type = stringAt(spec, ["updateStrategy", "type"]) || "RollingUpdate";
  const rolling = { partition: 0, ...objectAt(spec, ["updateStrategy", "rollingUpdate"]) };
  return {
    ...object,
    spec: {
      ...spec,
      podManagementPolicy: field(spec, "podManagementPolicy") || "OrderedReady",
      updateStrategy: type === "RollingUpdate" ? { type, rollingUpdate: rolling } : { type },
      revisionHistoryLimit: field(spec, "revisionHistoryLimit") ?? 10,
      persistentVolumeClaimRetentionPolicy: {
        whenDeleted: "Retain",
        whenScaled: "Retain",
        ...objectAt(spec, ["persistentVolumeClaimRetentionPolicy"]),
      },
    },
  };
}

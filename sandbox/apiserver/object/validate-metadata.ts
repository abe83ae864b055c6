import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  required,
  tooLong,
} from "./field-error.ts";
import {
  field,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  listAt,
  objectAt,
  stringAt,
} from "./json.ts";
import { labelValue, type NameRule, qualifiedName } from "./name-rules.ts";

export interface MetadataRules {
  readonly namespaced: boolean;
  readonly name: NameRule;
}

/** Bytes of all annotations of an object, keys and values. */
export const ANNOTATIONS_BYTES_MAX = 256 * 1024;
const METADATA = ["metadata"];

/** Rules every object keeps. */
export function validateMetadata(object: JsonObject, rules: MetadataRules): readonly FieldError[] {
  const metadata = objectAt(object, METADATA);
  return [
    ...validateName(metadata, rules),
    ...validateNamespace(metadata, rules),
    ...validateLabels(objectAt(metadata, ["labels"]), "metadata.labels"),
    ...validateAnnotations(objectAt(metadata, ["annotations"])),
    ...validateOwners(listAt(metadata, ["ownerReferences"])),
    ...validateFinalizers(listAt(metadata, ["finalizers"])),
  ];
}

/** Rules between an object and what it was: identity does not change. */
export function validateMetadataUpdate(
  next: JsonObject,
  old: JsonObject,
  rules: MetadataRules,
): readonly FieldError[] {
  const after = objectAt(next, METADATA);
  const before = objectAt(old, METADATA);
  const finalizers = newFinalizers(after, before);
  const immutable = ["name", "namespace", "uid", "creationTimestamp"].flatMap((name) => {
    const value = field(after, name);
    return jsonEquals(value, field(before, name))
      ? []
      : [invalidValue(`metadata.${name}`, value, "field is immutable")];
  });
  return [...finalizers, ...immutable, ...validateMetadata(next, rules)];
}

export function validateLabels(labels: JsonObject, at: string): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedName(key).map((problem) => invalidValue(at, key, problem)),
    ...labelValue(textOf(value)).map((problem) => invalidValue(at, value, problem)),
  ]);
}

function validateName(metadata: JsonObject, { name: rule }: MetadataRules): readonly FieldError[] {
  const name = stringAt(metadata, ["name"]);
  const prefix = stringAt(metadata, ["generateName"]);
  const errors: FieldError[] = [];
  if (prefix !== "") {
    // A prefix may end in what a whole name may not: the suffix follows.
    const stem = prefix.endsWith("-") || prefix.endsWith(".") ? `${prefix.slice(0, -1)}a` : prefix;
    for (const problem of rule(stem)) {
      errors.push(invalidValue("metadata.generateName", prefix, problem));
    }
  }
  if (name === "") {
    return [...errors, required("metadata.name", "name or generateName is required")];
  }
  return [...errors, ...rule(name).map((problem) => invalidValue("metadata.name", name, problem))];
}

function validateNamespace(
  metadata: JsonObject,
  { namespaced }: MetadataRules,
): readonly FieldError[] {
  const namespace = stringAt(metadata, ["namespace"]);
  if (namespaced) return namespace === "" ? [required("metadata.namespace")] : [];
  return namespace === "" ? [] : [forbiddenField("metadata.namespace", "not allowed on this type")];
}

function validateAnnotations(annotations: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(textOf(value));
    for (const problem of qualifiedName(key.toLowerCase())) {
      errors.push(invalidValue("metadata.annotations", key, problem));
    }
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    errors.push(tooLong("metadata.annotations", ANNOTATIONS_BYTES_MAX));
  }
  return errors;
}

function validateOwners(owners: readonly JsonValue[]): readonly FieldError[] {
  const at = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners.filter(isObject)) {
    if (stringAt(owner, ["apiVersion"]) === "") {
      errors.push(invalidValue(`${at}.apiVersion`, "", "version must not be empty"));
    }
    for (const name of ["kind", "name", "uid"]) {
      if (stringAt(owner, [name]) === "") {
        errors.push(invalidValue(`${at}.${name}`, "", "must not be empty"));
      }
    }
    if (field(owner, "controller") !== true) continue;
    const named = stringAt(owner, ["name"]);
    if (controller !== undefined) {
      const text = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`;
      errors.push(invalidValue(at, owners, text));
    }
    controller ??= named;
  }
  return errors;
}

function validateFinalizers(finalizers: readonly JsonValue[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  finalizers.forEach((finalizer, index) => {
    for (const problem of qualifiedName(textOf(finalizer))) {
      errors.push(invalidValue("metadata.finalizers", finalizer, problem));
    }
    if (finalizers.indexOf(finalizer) < index && finalizer === "orphan") {
      errors.push(duplicate("metadata.finalizers", finalizer));
    }
  });
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    const text = 'finalizer "orphan" and "foregroundDeletion" cannot be both set';
    errors.push(invalidValue("metadata.finalizers", finalizers, text));
  }
  return errors;
}

/** The real server says this once for metadata and once for the object: two causes, one message. */
function newFinalizers(after: JsonObject, before: JsonObject): readonly FieldError[] {
  if (field(before, "deletionTimestamp") === undefined) return [];
  const old = listAt(before, ["finalizers"]);
  const added = listAt(after, ["finalizers"]).filter((finalizer) => !old.includes(finalizer));
  if (added.length === 0) return [];
  const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const error = forbiddenField(
    "metadata.finalizers",
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
  );
  return [error, error];
}

/** Decoding made these strings; a custom resource that sends another type is told of its JSON. */
function textOf(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

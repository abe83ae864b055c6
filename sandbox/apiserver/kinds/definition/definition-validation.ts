import { type FieldError, invalidValue, notSupported, required } from "../../object/field-error.ts";
import {
  field,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  listAt,
  objectAt,
  stringAt,
} from "../../object/json.ts";
import { dnsLabel1035, dnsSubdomain } from "../../object/name-rules.ts";
import { parseJsonPath } from "../columns/json-path.ts";
import { validateStructure } from "./structural-validation.ts";

const SCOPES = ["Cluster", "Namespaced"];
const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const APPROVAL = "api-approved.kubernetes.io";

export function validateDefinition(definition: JsonObject): readonly FieldError[] {
  const spec = objectAt(definition, ["spec"]);
  return [
    ...validateIdentity(definition, spec),
    ...validateApproval(definition, spec),
    ...validateNames(objectAt(spec, ["names"])),
    ...validateVersions(listAt(spec, ["versions"]).filter(isObject)),
    ...validateConversion(spec),
  ];
}

/** Objects would be lost if these changed. */
export function validateDefinitionUpdate(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const paths = [["group"], ["scope"], ["names", "kind"], ["names", "plural"]];
  const immutable = paths.flatMap((path) => {
    const value = stringAt(next, ["spec", ...path]);
    return value === stringAt(old, ["spec", ...path])
      ? []
      : [invalidValue(`spec.${path.join(".")}`, value, "field is immutable")];
  });
  const names = listAt(next, ["spec", "versions"]).map((version) => stringAt(version, ["name"]));
  const stored = listAt(next, ["status", "storedVersions"]);
  const missing = stored
    .filter((name) => typeof name === "string")
    .filter((name) => !names.includes(name));
  return [
    ...immutable,
    ...missing.map((name) => {
      const text = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
      return invalidValue(`status.storedVersions[${stored.indexOf(name)}]`, name, text);
    }),
  ];
}

function validateIdentity(definition: JsonObject, spec: JsonObject): readonly FieldError[] {
  const name = stringAt(definition, ["metadata", "name"]);
  const group = stringAt(spec, ["group"]);
  const plural = stringAt(spec, ["names", "plural"]);
  const scope = stringAt(spec, ["scope"]);
  const errors: FieldError[] = [];
  if (name !== `${plural}.${group}`) {
    errors.push(invalidValue("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (group === "") errors.push(required("spec.group"));
  else if (!group.includes(".")) {
    errors.push(invalidValue("spec.group", group, "should be a domain with at least one dot"));
  } else {
    for (const problem of dnsSubdomain(group)) {
      errors.push(invalidValue("spec.group", group, problem));
    }
  }
  if (scope === "") errors.push(required("spec.scope"));
  else if (!SCOPES.includes(scope)) errors.push(notSupported("spec.scope", scope, SCOPES));
  if (field(spec, "preserveUnknownFields") === true) {
    errors.push(
      invalidValue(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  }
  return errors;
}

/** Groups of the Kubernetes community need its approval. */
function validateApproval(definition: JsonObject, spec: JsonObject): readonly FieldError[] {
  const group = stringAt(spec, ["group"]);
  const guarded = /(^|\.)(k8s\.io|kubernetes\.io)$/.test(group);
  if (!guarded) return [];
  const value = stringAt(definition, ["metadata", "annotations", APPROVAL]);
  const at = `metadata.annotations[${APPROVAL}]`;
  if (value === "") {
    return [
      required(
        at,
        'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ),
    ];
  }
  if (value.startsWith("unapproved") || URL.canParse(value)) return [];
  return [
    invalidValue(
      at,
      value,
      'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
    ),
  ];
}

function validateNames(names: JsonObject): readonly FieldError[] {
  const plural = stringAt(names, ["plural"]);
  const kind = stringAt(names, ["kind"]);
  const listKind = stringAt(names, ["listKind"]);
  const errors: FieldError[] = [];
  const check = (name: string, text: string): void => {
    if (text === "") errors.push(required(`spec.names.${name}`));
    else {
      for (const problem of dnsLabel1035(text.toLowerCase())) {
        errors.push(
          invalidValue(
            `spec.names.${name}`,
            text,
            `may have mixed case, but should otherwise match: ${problem}`,
          ),
        );
      }
    }
  };
  if (plural === "") errors.push(required("spec.names.plural"));
  for (const problem of plural === "" ? [] : dnsLabel1035(plural)) {
    errors.push(invalidValue("spec.names.plural", plural, problem));
  }
  check("kind", kind);
  check("listKind", listKind);
  if (kind !== "" && kind === listKind) {
    errors.push(
      invalidValue("spec.names.listKind", listKind, "kind and listKind may not be the same"),
    );
  }
  return [...errors, ...validateShortNames(names)];
}

function validateShortNames(names: JsonObject): readonly FieldError[] {
  return ["shortNames", "categories"].flatMap((list) =>
    listAt(names, [list]).flatMap((name, index) =>
      dnsLabel1035(typeof name === "string" ? name : "").map((problem) =>
        invalidValue(`spec.names.${list}[${index}]`, name, problem),
      ),
    ),
  );
}

function validateVersions(versions: readonly JsonObject[]): readonly FieldError[] {
  const at = "spec.versions";
  const names = versions.map((version) => stringAt(version, ["name"]));
  const errors: FieldError[] = [];
  if (versions.length === 0) {
    return [required(at)];
  }
  if (new Set(names).size !== names.length) {
    errors.push(invalidValue(at, names, "must contain unique version names"));
  }
  if (versions.filter((version) => version["storage"] === true).length !== 1) {
    errors.push(
      invalidValue(at, versions, "must have exactly one version marked as storage version"),
    );
  }
  return [
    ...errors,
    ...versions.flatMap((version, index) => validateVersion(version, `${at}[${index}]`)),
  ];
}

function validateVersion(version: JsonObject, at: string): readonly FieldError[] {
  const name = stringAt(version, ["name"]);
  const schema = field(objectAt(version, ["schema"]), "openAPIV3Schema");
  const columns = listAt(version, ["additionalPrinterColumns"]).filter(isObject);
  return [
    ...dnsLabel1035(name).map((problem) => invalidValue(`${at}.name`, name, problem)),
    ...(isObject(schema)
      ? validateStructure(schema, `${at}.schema.openAPIV3Schema`)
      : [required(`${at}.schema.openAPIV3Schema`, "schemas are required")]),
    ...columns.flatMap((column, index) =>
      validateColumn(column, `${at}.additionalPrinterColumns[${index}]`),
    ),
  ];
}

function validateColumn(column: JsonObject, at: string): readonly FieldError[] {
  const type = stringAt(column, ["type"]);
  const path = stringAt(column, ["jsonPath"]);
  const errors: FieldError[] = [];
  if (stringAt(column, ["name"]) === "") errors.push(required(`${at}.name`));
  if (type === "")
    errors.push(required(`${at}.type`, "must be one of boolean,date,integer,number,string"));
  else if (!COLUMN_TYPES.includes(type)) {
    errors.push(invalidValue(`${at}.type`, type, `must be one of ${COLUMN_TYPES.join(",")}`));
  }
  if (path === "") errors.push(required(`${at}.jsonPath`));
  else if (!path.startsWith(".")) {
    errors.push(invalidValue(`${at}.jsonPath`, path, "is an invalid path: must begin with ."));
  } else {
    const parsed = parseJsonPath(path);
    if (!parsed.ok) errors.push(invalidValue(`${at}.jsonPath`, path, parsed.error));
  }
  return errors;
}

function validateConversion(spec: JsonObject): readonly FieldError[] {
  const strategy: JsonValue = stringAt(spec, ["conversion", "strategy"]);
  if (jsonEquals(strategy, "None")) return [];
  return [notSupported("spec.conversion.strategy", strategy, ["None"])];
}

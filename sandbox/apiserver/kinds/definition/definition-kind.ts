import {
  field,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  stringAt,
  withField,
  withFieldAt,
} from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import { DEFINITION_PROPERTIES } from "./definition-schema.ts";
import { validateDefinition, validateDefinitionUpdate } from "./definition-validation.ts";

export const DEFINITION = builtinKind({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: { status: true },
  description:
    "CustomResourceDefinition represents a resource that should be exposed on the API server. Its name MUST be in the format <.spec.name>.<.spec.group>.",
  properties: DEFINITION_PROPERTIES,
  empty: { spec: {} },
  columns: [
    textColumn("Group", "API group of the resource.", (crd) => stringAt(crd, ["spec", "group"]), 1),
    AGE_COLUMN,
  ],
  name: dnsSubdomain,
  generation: true,
  rules: {
    initialStatus: {},
    applyDefaults: defaultDefinition,
    initialize: (definition, context) => {
      for (const warning of unsupported(definition)) context.warn(warning);
      return withInitialStatus(definition);
    },
    carryOver: withStoredVersions,
    validate: validateDefinition,
    validateUpdate: validateDefinitionUpdate,
  },
});

function defaultDefinition(definition: JsonObject): JsonObject {
  const names = objectAt(definition, ["spec", "names"]);
  const kind = stringAt(names, ["kind"]);
  const named = {
    ...names,
    ...(field(names, "singular") === undefined && kind !== ""
      ? { singular: kind.toLowerCase() }
      : {}),
    ...(field(names, "listKind") === undefined && kind !== "" ? { listKind: `${kind}List` } : {}),
  };
  const withNames = withFieldAt(definition, ["spec", "names"], named);
  return field(objectAt(withNames, ["spec"]), "conversion") === undefined
    ? withFieldAt(withNames, ["spec", "conversion"], { strategy: "None" })
    : withNames;
}

function storageVersionOf(definition: JsonObject): string {
  const stored = listAt(definition, ["spec", "versions"])
    .filter(isObject)
    .find((version) => version["storage"] === true);
  return stringAt(stored, ["name"]);
}

function withInitialStatus(definition: JsonObject): JsonObject {
  return withField(definition, "status", {
    conditions: [],
    acceptedNames: { plural: "", kind: "" },
    storedVersions: [storageVersionOf(definition)],
  });
}

/** A new storage version joins those objects may be stored in; only an administrator removes one (VER-06). */
function withStoredVersions(next: JsonObject, old: JsonObject): JsonObject {
  const known = listAt(old, ["status", "storedVersions"]);
  const stored = storageVersionOf(next);
  if (known.includes(stored)) return next;
  return withFieldAt(next, ["status", "storedVersions"], [...known, stored]);
}

/** What a definition may say and this server does not do, so that nobody relies on it. */
function unsupported(definition: JsonObject): readonly string[] {
  const text = JSON.stringify(objectAt(definition, ["spec"]));
  return text.includes('"x-kubernetes-validations"')
    ? ["x-kubernetes-validations are stored but not evaluated by this server"]
    : [];
}

import { fieldAt, isObject, type JsonObject, listAt, objectAt, stringAt } from "../object/json.ts";
import { API_VERSION, KIND, OBJECT_META } from "../schema/object-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { customColumns } from "./custom/custom-columns.ts";
import { customStrategy } from "./custom/custom-strategy.ts";
import { parseSchema } from "./custom/parse-schema.ts";
import { ALL_VERBS, type Kind, type KindVersion } from "./kind.ts";

/** The kind a valid, stored CustomResourceDefinition defines. */
export function customKindOf(crd: JsonObject): Kind {
  const spec = objectAt(crd, ["spec"]);
  const group = stringAt(spec, ["group"]);
  const names = objectAt(spec, ["names"]);
  const kind = stringAt(names, ["kind"]);
  const namespaced = stringAt(spec, ["scope"]) === "Namespaced";
  const definitions = listAt(spec, ["versions"]).filter(isObject);
  const stored = definitions.find((version) => version["storage"] === true) ?? {};
  const storageVersion = stringAt(stored, ["name"]);
  const hasStatus = fieldAt(stored, ["subresources", "status"]) !== undefined;
  const context = { group, kind, storageVersion };
  return {
    group,
    kind,
    listKind: stringAt(names, ["listKind"]) || `${kind}List`,
    plural: stringAt(names, ["plural"]),
    singular: stringAt(names, ["singular"]) || kind.toLowerCase(),
    shortNames: texts(names, "shortNames"),
    categories: texts(names, "categories"),
    namespaced,
    verbs: ALL_VERBS,
    subresources: hasStatus ? { status: true } : {},
    versions: definitions.map((version) => versionOf(version, context)),
    storageVersion,
    storage: { group, plural: stringAt(names, ["plural"]) },
    custom: true,
    strategy: customStrategy({ group, kind, namespaced, hasStatus, schema: schemaOf(stored) }),
  };
}

interface VersionContext {
  readonly group: string;
  readonly kind: string;
  readonly storageVersion: string;
}

function versionOf(
  definition: JsonObject,
  { group, kind, storageVersion }: VersionContext,
): KindVersion {
  const name = stringAt(definition, ["name"]);
  const deprecated = definition["deprecated"] === true;
  const warning =
    stringAt(definition, ["deprecationWarning"]) || `${group}/${name} ${kind} is deprecated`;
  return {
    name,
    served: definition["served"] === true,
    storage: definition["storage"] === true,
    ...(deprecated ? { deprecationWarning: warning } : {}),
    schema: {
      ...schemaOf(definition),
      "x-kubernetes-group-version-kind": [{ group, version: name, kind }],
    },
    printerColumns: customColumns(definition["additionalPrinterColumns"]),
    emptyObject: {},
    // Conversion "None": the versions differ in their name only (VER-01).
    toStorage: (object) => ({ ...object, apiVersion: `${group}/${storageVersion}` }),
    fromStorage: (object) => ({ ...object, apiVersion: `${group}/${name}` }),
  };
}

function schemaOf(definition: JsonObject): Schema {
  const schema = parseSchema(objectAt(definition, ["schema", "openAPIV3Schema"]));
  const own = schema.properties ?? {};
  return {
    ...schema,
    properties: {
      ...own,
      apiVersion: own["apiVersion"] ?? API_VERSION,
      kind: own["kind"] ?? KIND,
      metadata: OBJECT_META,
    },
  };
}

function texts(names: JsonObject, key: string): readonly string[] {
  return listAt(names, [key]).filter((name) => typeof name === "string");
}

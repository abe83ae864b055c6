import type { JsonObject } from "../object/json.ts";
import type { NameRule } from "../object/name-rules.ts";
import { type Properties, struct } from "../schema/build-schema.ts";
import { API_VERSION, KIND, OBJECT_META } from "../schema/object-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { ALL_VERBS, type Kind, type KindVersion, type PrinterColumn, type Verb } from "./kind.ts";
import { type StrategyRules, strategyOf } from "./strategy.ts";

/** A built-in kind as its file describes it. */
export interface BuiltinKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** All, unless said otherwise. */
  readonly verbs?: readonly Verb[];
  readonly subresources?: Kind["subresources"];
  readonly description: string;
  /** Besides apiVersion, kind and metadata. */
  readonly properties: Properties;
  /** The structs an object always has, besides metadata. */
  readonly empty?: JsonObject;
  readonly columns: readonly PrinterColumn[];
  readonly name: NameRule;
  readonly generation?: boolean;
  readonly rules: Omit<
    StrategyRules,
    "group" | "kind" | "namespaced" | "name" | "generation" | "hasStatus" | "statusChangesMetadata"
  >;
}

export function builtinKind(definition: BuiltinKind): Kind {
  const { group, version, kind, plural, namespaced } = definition;
  return {
    group,
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    namespaced,
    verbs: definition.verbs ?? ALL_VERBS,
    subresources: definition.subresources ?? {},
    versions: [onlyVersion(definition)],
    storageVersion: version,
    storage: { group, plural },
    custom: false,
    strategy: strategyOf({
      ...definition.rules,
      group,
      kind,
      namespaced,
      name: definition.name,
      generation: definition.generation ?? false,
      hasStatus: definition.subresources?.status === true,
      statusChangesMetadata: true,
    }),
  };
}

function onlyVersion(definition: BuiltinKind): KindVersion {
  return {
    name: definition.version,
    served: true,
    storage: true,
    schema: builtinSchema(definition),
    printerColumns: definition.columns,
    emptyObject: { metadata: {}, ...definition.empty },
    toStorage: (object) => object,
    fromStorage: (object) => object,
  };
}

export function builtinSchema(
  definition: Pick<BuiltinKind, "group" | "version" | "kind" | "description" | "properties">,
): Schema {
  const { group, version, kind, description, properties } = definition;
  return {
    ...struct(kind, description, {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: OBJECT_META,
      ...properties,
    }),
    "x-kubernetes-group-version-kind": [{ group, version, kind }],
  };
}

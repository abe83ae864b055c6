import {
  anyObject,
  atomicList,
  bool,
  int32,
  mapList,
  type Properties,
  pointer,
  struct,
  text,
} from "../../schema/build-schema.ts";
import { CONDITION_LIST } from "../condition-schema.ts";

const NAMES = struct("CustomResourceDefinitionNames", "Names of the resource and kind.", {
  plural: text("Plural name in lower case, used in URLs."),
  singular: text("Singular name in lower case. Defaults to lowercased kind."),
  shortNames: atomicList("Short names of the resource.", text("A short name.")),
  kind: text("Kind in CamelCase, as objects say it."),
  listKind: text("Kind of lists. Defaults to kind followed by List."),
  categories: atomicList("Groups the resource belongs to, such as all.", text("A category.")),
});

const COLUMN = struct("CustomResourceColumnDefinition", "A column of kubectl get.", {
  name: text("Name of the column."),
  type: text("OpenAPI type of the column: integer, number, string, boolean or date."),
  format: text("OpenAPI format of the column."),
  description: text("Description of the column."),
  priority: int32("0 is shown always, more only in wide output."),
  jsonPath: text("Simple JSON path to the value in the object."),
});

const SUBRESOURCES = struct("CustomResourceSubresources", "Subresources of a version.", {
  status: anyObject("Makes status a subresource."),
  scale: anyObject("Makes scale a subresource. Stored, but not served by this server."),
});

const VERSION = struct("CustomResourceDefinitionVersion", "A version of the resource.", {
  name: text("Name of the version, as in URLs."),
  served: pointer(bool("Whether this version is served.")),
  storage: pointer(bool("Whether objects are stored in this version; true for exactly one.")),
  deprecated: bool("Whether a warning is sent with every response of this version."),
  deprecationWarning: pointer(text("The warning of a deprecated version.")),
  schema: struct("CustomResourceValidation", "The schema of this version.", {
    openAPIV3Schema: anyObject("The OpenAPI v3 schema."),
  }),
  subresources: SUBRESOURCES,
  additionalPrinterColumns: atomicList("Columns of kubectl get.", COLUMN),
  selectableFields: atomicList(
    "Fields a field selector may use. Stored, but not served by this server.",
    struct("SelectableField", "A field.", { jsonPath: text("Simple JSON path.") }),
  ),
});

export const DEFINITION_PROPERTIES: Properties = {
  spec: struct("CustomResourceDefinitionSpec", "How the user wants the resource to appear.", {
    group: text("API group of the resource."),
    names: NAMES,
    scope: text("Cluster or Namespaced."),
    versions: atomicList("All versions of the resource, served or not.", VERSION),
    conversion: struct("CustomResourceConversion", "How objects are converted.", {
      strategy: text("None: only the apiVersion changes. Webhook is not supported by this server."),
      webhook: anyObject("How to call the conversion webhook."),
    }),
    preserveUnknownFields: bool("Must be false: unknown fields are pruned."),
  }),
  status: struct("CustomResourceDefinitionStatus", "The actual state of the definition.", {
    conditions: mapList(
      "State of particular aspects.",
      { keys: ["type"], mergeKey: "type" },
      CONDITION_LIST.items ?? {},
    ),
    acceptedNames: NAMES,
    storedVersions: atomicList("Versions objects were ever stored in.", text("A version.")),
  }),
};

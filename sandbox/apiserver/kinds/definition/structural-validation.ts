import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from "../../object/field-error.ts";
import {
  field,
  isList,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  stringAt,
} from "../../object/json.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
const LIST_TYPES = ["atomic", "set", "map"];

/** A schema nested deeper is refused: it could not be walked safely. BOUNDED: by this number. */
const DEPTH_MAX = 100;

/**
 * Whether a schema is structural: every value has one place that says its type, so that objects can be pruned and defaulted. Paths and words
 * as the real server's.
 */
export function validateStructure(schema: JsonObject, at: string): readonly FieldError[] {
  const rootType = stringAt(schema, ["type"]);
  const root =
    rootType === "object"
      ? []
      : [invalidValue(`${at}.type`, rootType, "must be object at the root")];
  return [...root, ...validateNode(schema, at, 0)];
}

function validateNode(schema: JsonObject, at: string, depth: number): readonly FieldError[] {
  if (depth > DEPTH_MAX) {
    return [forbiddenField(at, `must not be nested deeper than ${DEPTH_MAX} levels`)];
  }
  return [
    ...validateType(schema, at),
    ...validatePattern(schema, at),
    ...validateList(schema, at),
    ...validateChildren(schema, at, depth),
  ];
}

function validateType(schema: JsonObject, at: string): readonly FieldError[] {
  const type = stringAt(schema, ["type"]);
  const errors: FieldError[] = [];
  const free =
    schema["x-kubernetes-int-or-string"] === true ||
    schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (type === "" && !free) {
    errors.push(required(`${at}.type`, "must not be empty for specified object fields"));
  }
  if (type !== "" && !TYPES.includes(type)) errors.push(notSupported(`${at}.type`, type, TYPES));
  for (const forbidden of ["$ref", "definitions", "patternProperties", "dependencies", "id"]) {
    if (field(schema, forbidden) !== undefined) {
      errors.push(forbiddenField(`${at}.${forbidden}`, `${forbidden} is not supported`));
    }
  }
  if (schema["uniqueItems"] === true) {
    const text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    errors.push(forbiddenField(`${at}.uniqueItems`, text));
  }
  if (schema["additionalProperties"] === false) {
    errors.push(
      forbiddenField(`${at}.additionalProperties`, "additionalProperties cannot be set to false"),
    );
  }
  if (isObject(field(schema, "properties")) && isObject(field(schema, "additionalProperties"))) {
    const text = "additionalProperties and properties are mutual exclusive";
    errors.push(forbiddenField(`${at}.additionalProperties`, text));
  }
  return errors;
}

function validatePattern(schema: JsonObject, at: string): readonly FieldError[] {
  const pattern = stringAt(schema, ["pattern"]);
  if (pattern === "") return [];
  try {
    RegExp(pattern);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [
      invalidValue(
        `${at}.pattern`,
        pattern,
        `must be a valid regular expression, but isn't: ${why}`,
      ),
    ];
  }
}

function validateList(schema: JsonObject, at: string): readonly FieldError[] {
  const type = field(schema, "x-kubernetes-list-type");
  const keys = listAt(schema, ["x-kubernetes-list-map-keys"]);
  const keysAt = `${at}.x-kubernetes-list-map-keys`;
  const errors: FieldError[] = [];
  if (stringAt(schema, ["type"]) === "array" && !isObject(field(schema, "items"))) {
    errors.push(required(`${at}.items`, "must be specified"));
  }
  if (type === undefined) return errors;
  if (typeof type !== "string" || !LIST_TYPES.includes(type)) {
    errors.push(notSupported(`${at}.x-kubernetes-list-type`, type, LIST_TYPES));
  }
  if (type !== "map") return errors;
  if (keys.length === 0)
    errors.push(required(keysAt, "must not be empty if x-kubernetes-list-type is map"));
  const properties = objectAt(schema, ["items", "properties"]);
  const must = listAt(schema, ["items", "required"]);
  keys.forEach((key, index) => {
    const name = typeof key === "string" ? key : "";
    const property = field(properties, name);
    if (property === undefined) {
      errors.push(invalidValue(`${keysAt}[${index}]`, name, "must name a property of items"));
    } else if (
      !must.includes(name) &&
      field(isObject(property) ? property : {}, "default") === undefined
    ) {
      errors.push(
        required(
          `${at}.items.properties[${name}].default`,
          "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
      );
    }
    if (keys.indexOf(key) < index) errors.push(duplicate(`${keysAt}[${index}]`, name));
  });
  return errors;
}

function validateChildren(schema: JsonObject, at: string, depth: number): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, child] of Object.entries(objectAt(schema, ["properties"]))) {
    if (!isObject(child)) continue;
    // Metadata of the object itself is known: its schema may be empty.
    const isMetadata = depth === 0 && name === "metadata";
    if (!isMetadata) errors.push(...validateNode(child, `${at}.properties[${name}]`, depth + 1));
  }
  for (const name of ["items", "additionalProperties"]) {
    const child = field(schema, name);
    if (isObject(child)) errors.push(...validateNode(child, `${at}.${name}`, depth + 1));
    if (name === "items" && isList(child)) {
      errors.push(forbiddenField(`${at}.items`, "items must be a schema object and not an array"));
    }
  }
  return errors;
}

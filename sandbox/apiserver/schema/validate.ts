import {
  duplicate,
  type FieldError,
  invalidValue,
  notSupported,
  required,
  tooMany,
  typeInvalid,
} from "../object/field-error.ts";
import {
  field,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
} from "../object/json.ts";
import { keyText, listKey } from "./list-key.ts";
import { schemaOfField } from "./prune-unknown.ts";
import type { Schema, SchemaType } from "./schema.ts";
import { validateNumber, validateString } from "./validate-scalar.ts";

export interface ValidateOptions {
  /** Where `value` sits in its object, as error fields begin; messages speak of the path below it. */
  readonly at?: string;
  /**
   * The stored value: what did not change is not held against a schema that has become stricter (ratcheting, as the real server).
   */
  readonly old?: JsonValue | undefined;
}

/** A value on its way down the schema. */
interface Place {
  /** Full path, for the field of an error. */
  readonly field: string;
  /** Path below where validation began, for its message. */
  readonly body: string;
  readonly old: JsonValue | undefined;
}

/** Checks a value against a structural schema, with the errors and wording of the real server. */
export function validate(
  schema: Schema,
  value: JsonValue,
  options: ValidateOptions = {},
): readonly FieldError[] {
  return validateAt(schema, value, { field: options.at ?? "", body: "", old: options.old });
}

function validateAt(schema: Schema, value: JsonValue, place: Place): readonly FieldError[] {
  if (place.old !== undefined && jsonEquals(place.old, value)) return [];
  if (value === null && schema.nullable === true) return [];
  const wrongType = checkType(schema, value, place);
  if (wrongType !== undefined) return [wrongType];
  return [
    ...checkEnum(schema, value, place),
    ...(isObject(value) ? validateObject(schema, value, place) : []),
    ...(isList(value) ? validateList(schema, value, place) : []),
    ...(typeof value === "string" ? validateString(schema, value, place) : []),
    ...(typeof value === "number" ? validateNumber(schema, value, place) : []),
    ...validateCombinations(schema, value, place),
  ];
}

function checkType(schema: Schema, value: JsonValue, place: Place): FieldError | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) {
    if (typeof value === "string" || Number.isInteger(value)) return undefined;
    return typeInvalid(
      place.field,
      typeOf(value),
      `${place.body} in body must be of type integer,string: ${JSON.stringify(typeOf(value))}`,
    );
  }
  if (schema.type === undefined || isOfType(schema.type, value)) return undefined;
  const seen = typeOf(value);
  const text = `${place.body} in body must be of type ${schema.type}: ${JSON.stringify(seen)}`;
  return typeInvalid(place.field, seen, text);
}

function isOfType(type: SchemaType, value: JsonValue): boolean {
  const seen = typeOf(value);
  return seen === type || (type === "number" && seen === "integer");
}

function typeOf(value: JsonValue): SchemaType | "null" {
  if (value === null) return "null";
  if (isList(value)) return "array";
  if (isObject(value)) return "object";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "string" ? "string" : "boolean";
}

function checkEnum(schema: Schema, value: JsonValue, place: Place): readonly FieldError[] {
  if (schema.enum === undefined || schema.enum.some((choice) => jsonEquals(choice, value)))
    return [];
  const choices = schema.enum.map((choice) =>
    typeof choice === "string" ? choice : JSON.stringify(choice),
  );
  return [notSupported(place.field, value, choices)];
}

function validateObject(schema: Schema, object: JsonObject, place: Place): readonly FieldError[] {
  const errors: FieldError[] = [];
  const missing = new Set<string>();
  for (const name of schema.required ?? []) {
    const present = field(object, name);
    const nullable = schema.properties?.[name]?.nullable === true;
    if (present === undefined || (present === null && !nullable)) {
      missing.add(name);
      errors.push(required(join(place.field, name)));
    }
  }
  for (const [key, value] of Object.entries(object)) {
    const child = schemaOfField(schema, key);
    if (child === undefined || missing.has(key)) continue;
    errors.push(...validateAt(child, value, childPlace(schema, key, place)));
  }
  return [...errors, ...checkCount(schema, Object.keys(object).length, place)];
}

function checkCount(schema: Schema, count: number, place: Place): readonly FieldError[] {
  const { minProperties, maxProperties } = schema;
  if (maxProperties !== undefined && count > maxProperties) {
    return [tooMany(place.field, count, maxProperties)];
  }
  if (minProperties === undefined || count >= minProperties) return [];
  return [
    invalidValue(
      place.field,
      count,
      `${place.body} in body should have at least ${minProperties} properties`,
    ),
  ];
}

function validateList(
  schema: Schema,
  list: readonly JsonValue[],
  place: Place,
): readonly FieldError[] {
  const { minItems, maxItems, items } = schema;
  const errors: FieldError[] = [];
  if (maxItems !== undefined && list.length > maxItems) {
    errors.push(tooMany(place.field, list.length, maxItems));
  }
  if (minItems !== undefined && list.length < minItems) {
    errors.push(
      invalidValue(
        place.field,
        list.length,
        `${place.body} in body should have at least ${minItems} items`,
      ),
    );
  }
  if (items !== undefined) {
    const oldItem = oldItemFinder(schema, place.old);
    list.forEach((item, index) => {
      const at = `[${index}]`;
      errors.push(
        ...validateAt(items, item, {
          field: place.field + at,
          body: place.body + at,
          old: oldItem(item),
        }),
      );
    });
  }
  return [...errors, ...checkUnique(schema, list, place)];
}

/** Items of a map list are the same item when their keys are; items of other lists have no past. */
function oldItemFinder(
  schema: Schema,
  old: JsonValue | undefined,
): (item: JsonValue) => JsonValue | undefined {
  if (!isList(old) || schema["x-kubernetes-list-type"] !== "map") return () => undefined;
  const byKey = new Map(old.map((item) => [keyText(listKey(schema, item) ?? null), item]));
  return (item) => byKey.get(keyText(listKey(schema, item) ?? null));
}

function checkUnique(
  schema: Schema,
  list: readonly JsonValue[],
  place: Place,
): readonly FieldError[] {
  const type = schema["x-kubernetes-list-type"];
  if (type !== "set" && type !== "map") return [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  list.forEach((item, index) => {
    const key = type === "map" ? listKey(schema, item) : item;
    if (key === undefined) return;
    const text = keyText(key);
    if (seen.has(text)) errors.push(duplicate(`${place.field}[${index}]`, key));
    seen.add(text);
  });
  return errors;
}

function validateCombinations(
  schema: Schema,
  value: JsonValue,
  place: Place,
): readonly FieldError[] {
  const holds = (branch: Schema): boolean => validateAt(branch, value, place).length === 0;
  const fails = (text: string): FieldError =>
    invalidValue(
      place.field,
      isObject(value) || isList(value) ? "" : value,
      `${place.body} in body ${text}`,
    );
  const errors: FieldError[] = [];
  for (const branch of schema.allOf ?? []) errors.push(...validateAt(branch, value, place));
  if (schema.anyOf !== undefined && !schema.anyOf.some(holds)) {
    errors.push(fails("must validate at least one schema (anyOf)"));
  }
  const one = schema.oneOf?.filter(holds).length;
  if (one !== undefined && one !== 1) {
    const found = one === 0 ? "none valid" : `${one} valid alternatives`;
    errors.push(fails(`must validate one and only one schema (oneOf). Found ${found}`));
  }
  if (schema.not !== undefined && holds(schema.not)) {
    errors.push(fails("must not validate the schema (not)"));
  }
  return errors;
}

function childPlace(schema: Schema, key: string, place: Place): Place {
  const named = schema.properties !== undefined && Object.hasOwn(schema.properties, key);
  return {
    field: named ? join(place.field, key) : `${place.field}[${key}]`,
    body: join(place.body, key),
    old: isObject(place.old) ? field(place.old, key) : undefined,
  };
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

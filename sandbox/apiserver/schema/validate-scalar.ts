import { type FieldError, invalidValue, tooLong } from "../object/field-error.ts";
import { matchesFormat } from "./format.ts";
import type { Schema } from "./schema.ts";

interface ScalarPlace {
  readonly field: string;
  readonly body: string;
}

export function validateString(
  schema: Schema,
  text: string,
  place: ScalarPlace,
): readonly FieldError[] {
  const { minLength, maxLength, pattern, format } = schema;
  const errors: FieldError[] = [];
  const complain = (rule: string): void => {
    errors.push(invalidValue(place.field, text, `${place.body} in body ${rule}`));
  };
  const length = lengthInCharacters(text);
  if (maxLength !== undefined && length > maxLength) errors.push(tooLong(place.field, maxLength));
  if (minLength !== undefined && length < minLength) {
    complain(`should be at least ${minLength} chars long`);
  }
  if (pattern !== undefined && !compiled(schema, pattern).test(text))
    complain(`should match '${pattern}'`);
  if (format !== undefined && !matchesFormat(format, text)) {
    complain(`must be of type ${format}: ${JSON.stringify(text)}`);
  }
  return errors;
}

export function validateNumber(
  schema: Schema,
  value: number,
  place: ScalarPlace,
): readonly FieldError[] {
  const { minimum, maximum, multipleOf, format } = schema;
  const errors: FieldError[] = [];
  const complain = (rule: string): void => {
    errors.push(invalidValue(place.field, value, `${place.body} in body ${rule}`));
  };
  const above = schema.exclusiveMinimum === true;
  const below = schema.exclusiveMaximum === true;
  if (maximum !== undefined && (below ? value >= maximum : value > maximum)) {
    complain(`should be less than ${below ? "" : "or equal to "}${maximum}`);
  }
  if (minimum !== undefined && (above ? value <= minimum : value < minimum)) {
    complain(`should be greater than ${above ? "" : "or equal to "}${minimum}`);
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    complain(`should be a multiple of ${multipleOf}`);
  }
  if (format === "int32" && (value < -2_147_483_648 || value > 2_147_483_647)) {
    complain(`must be of type int32: ${JSON.stringify(String(value))}`);
  }
  return errors;
}

/** Characters, not UTF-16 units: a schema counts what a reader counts. */
function lengthInCharacters(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** BOUNDED: by the schemas alive, which are its keys. */
const patterns = new WeakMap<object, RegExp>();

function compiled(schema: Schema, pattern: string): RegExp {
  const known = patterns.get(schema);
  if (known !== undefined) return known;
  const made = new RegExp(pattern);
  patterns.set(schema, made);
  return made;
}

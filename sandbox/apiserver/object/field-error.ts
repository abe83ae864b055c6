import type { StatusCause } from "./status-error.ts";

/** One validation failure, worded as Kubernetes' field.Error words it. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** Everything after `<field>: `. */
  readonly message: string;
}

export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueNotFound"
  | "FieldValueTypeInvalid";

export function required(field: string, detail = ""): FieldError {
  return { type: "FieldValueRequired", field, message: withDetail("Required value", detail) };
}

/** `value` is shown the way Go's field.Error shows it: strings quoted, lists and objects as JSON. */
export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return {
    type: "FieldValueInvalid",
    field,
    message: withDetail(`Invalid value: ${show(value)}`, detail),
  };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return {
    type: "FieldValueTypeInvalid",
    field,
    message: withDetail(`Invalid value: ${show(value)}`, detail),
  };
}

export function notSupported(
  field: string,
  value: unknown,
  supported: readonly string[],
): FieldError {
  const choices = supported.map((choice) => JSON.stringify(choice)).join(", ");
  return {
    type: "FieldValueNotSupported",
    field,
    message: withDetail(
      `Unsupported value: ${show(value)}`,
      supported.length === 0 ? "" : `supported values: ${choices}`,
    ),
  };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: "FieldValueDuplicate", field, message: `Duplicate value: ${show(value)}` };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { type: "FieldValueForbidden", field, message: withDetail("Forbidden", detail) };
}

export function tooLong(field: string, bytesMax: number): FieldError {
  const unit = bytesMax === 1 ? "byte" : "bytes";
  return {
    type: "FieldValueTooLong",
    field,
    message: `Too long: may not be more than ${bytesMax} ${unit}`,
  };
}

export function tooMany(field: string, seen: number, max: number): FieldError {
  const unit = max === 1 ? "item" : "items";
  return {
    type: "FieldValueTooMany",
    field,
    message: `Too many: ${seen}: must have at most ${max} ${unit}`,
  };
}

export function causeOf(error: FieldError): StatusCause {
  return { reason: error.type, message: error.message, field: error.field };
}

/** One error stands alone, several stand in brackets; equal ones are said once. */
export function formatFieldErrors(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const [first] = texts;
  return texts.length === 1 && first !== undefined ? first : `[${texts.join(", ")}]`;
}

function withDetail(text: string, detail: string): string {
  return detail === "" ? text : `${text}: ${detail}`;
}

function show(value: unknown): string {
  return value === undefined ? "null" : JSON.stringify(value);
}

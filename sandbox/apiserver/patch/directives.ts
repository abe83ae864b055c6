import { isList, isObject, type JsonObject, type JsonValue, ownFields } from "../object/json.ts";

export const DIRECTIVE = "$patch";
export const RETAIN_KEYS = "$retainKeys";
export const DELETE_FROM_PRIMITIVES = "$deleteFromPrimitiveList/";
export const SET_ORDER = "$setElementOrder/";

/** A strategic merge patch that cannot be applied: thrown inside this folder, returned at its edge. */
export class PatchError extends Error {}

export function isDirectiveKey(key: string): boolean {
  return (
    key === DIRECTIVE ||
    key === RETAIN_KEYS ||
    key.startsWith(DELETE_FROM_PRIMITIVES) ||
    key.startsWith(SET_ORDER)
  );
}

/** The content of a patch that stands for itself: no directives, no nulls. */
export function withoutDirectives(object: JsonObject): JsonObject {
  return ownFields(
    Object.entries(object).flatMap(([key, value]) =>
      isDirectiveKey(key) || value === null ? [] : [[key, withoutDirectivesIn(value)] as const],
    ),
  );
}

/** Directives are never data: none of them may reach the object. */
export function withoutDirectivesIn(value: JsonValue): JsonValue {
  if (isObject(value)) return withoutDirectives(value);
  return isList(value) ? value.map(withoutDirectivesIn) : value;
}

/** Plain immutable JSON, the only form objects have below HTTP. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The object's own value under `key`: `undefined` when absent (never something inherited). */
export function field(object: JsonObject | undefined, key: string): JsonValue | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The value at a path of object keys, `undefined` when any step is absent or not an object. */
export function fieldAt(
  value: JsonValue | undefined,
  path: readonly string[],
): JsonValue | undefined {
  let current = value;
  for (const key of path) {
    if (!isObject(current)) return undefined;
    current = field(current, key);
  }
  return current;
}

export function objectAt(value: JsonValue | undefined, path: readonly string[]): JsonObject {
  const found = fieldAt(value, path);
  return isObject(found) ? found : {};
}

export function listAt(
  value: JsonValue | undefined,
  path: readonly string[],
): readonly JsonValue[] {
  const found = fieldAt(value, path);
  return isList(found) ? found : [];
}

/** The string at `path`, `""` when absent: the zero value, as Kubernetes treats a missing string. */
export function stringAt(value: JsonValue | undefined, path: readonly string[]): string {
  const found = fieldAt(value, path);
  return typeof found === "string" ? found : "";
}

export function numberAt(
  value: JsonValue | undefined,
  path: readonly string[],
): number | undefined {
  const found = fieldAt(value, path);
  return typeof found === "number" ? found : undefined;
}

/** A copy of `object` with `key` set, or removed when `value` is undefined. Keeps key order. */
export function withField(
  object: JsonObject,
  key: string,
  value: JsonValue | undefined,
): JsonObject {
  // A computed key defines a property, whatever its name: `__proto__` too.
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _, ...rest } = object;
  return rest;
}

/** `withField` at a path: objects on the way are created when absent. */
export function withFieldAt(
  object: JsonObject,
  path: readonly string[],
  value: JsonValue | undefined,
): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  if (rest.length === 0) return withField(object, key, value);
  const child = field(object, key);
  if (!isObject(child) && value === undefined) return object;
  return withField(object, key, withFieldAt(isObject(child) ? child : {}, rest, value));
}

/** An object of these entries, later ones winning; `__proto__` is data like any other key. */
export function ownFields(entries: Iterable<readonly [string, JsonValue]>): JsonObject {
  return Object.fromEntries(entries);
}

/** Deep equality of JSON; key order does not matter, list order does. */
export function jsonEquals(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((item, i) => jsonEquals(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && jsonEquals(a[key], b[key]));
}

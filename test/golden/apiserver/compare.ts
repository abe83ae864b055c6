import { isRecord } from "../../../api/json.ts";
/** One place where two normalized values are not equal. */
export interface Mismatch {
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Every place where `actual` is not what `expected` is; order in objects does not matter, in lists it does. */
export function mismatches(expected: unknown, actual: unknown, path = ""): readonly Mismatch[] {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    return Array.from({ length }, (_, at) =>
      mismatches(expected[at], actual[at], `${path}[${at}]`),
    ).flat();
  }
  if (isRecord(expected) && isRecord(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => mismatches(expected[key], actual[key], `${path}.${key}`));
  }
  return Object.is(expected, actual) ? [] : [{ path, expected, actual }];
}

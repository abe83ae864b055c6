import { isDeepStrictEqual } from "node:util";
import { isRecord, type JsonRecord } from "../../api/json.ts";

/**
 * The RFC 7386 merge patch that turns `observed` into `desired`: keys that `desired` lacks become null, lists
 * are replaced whole. Undefined when nothing differs: no write then (I9).
 */
export function mergeDiff(observed: JsonRecord, desired: JsonRecord): JsonRecord | undefined {
  const patch: Record<string, unknown> = {};
  for (const [key, want] of Object.entries(desired)) {
    const have = observed[key];
    if (isDeepStrictEqual(have, want)) continue;
    const nested = isRecord(have) && isRecord(want) ? mergeDiff(have, want) : want;
    if (nested !== undefined) patch[key] = nested;
  }
  for (const [key, have] of Object.entries(observed)) {
    if (!(key in desired) && have !== undefined && have !== null) patch[key] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** The part of a map that is ours: `owned` keys and those wanted now. Foreign keys are neither read nor written. */
export function ownedPart(
  map: JsonRecord | undefined,
  desired: JsonRecord,
  owned: Iterable<string> = [],
): JsonRecord {
  const keys = new Set([...Object.keys(desired), ...owned]);
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => keys.has(key)));
}

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type JsonRecord } from "../../api/json.ts";
import { mergeDiff } from "./merge-diff.ts";

/** RFC 7386, section 2: the algorithm as it is printed there. */
function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}

// Null has no place in an object under a merge patch: it means absence.
const json: fc.Arbitrary<JsonRecord> = fc.letrec<{ value: unknown; record: JsonRecord }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.integer(), { maxLength: 3 }),
    tie("record"),
  ),
  record: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value"), {
    noNullPrototype: true,
  }),
})).record;

test("applying the diff gives the desired state", () => {
  fc.assert(
    fc.property(json, json, (observed, desired) => {
      expect(applyMergePatch(observed, mergeDiff(observed, desired) ?? {})).toEqual(desired);
    }),
  );
});

test("equal states have no diff, whatever the order of keys", () => {
  fc.assert(
    fc.property(json, (state) => {
      const shuffled = Object.fromEntries(Object.entries(state).toReversed());
      expect(mergeDiff(state, shuffled)).toBeUndefined();
    }),
  );
});

test("after applying, the second diff is empty (I9)", () => {
  fc.assert(
    fc.property(json, json, (observed, desired) => {
      const reached = applyMergePatch(observed, mergeDiff(observed, desired) ?? {}) as JsonRecord;
      expect(mergeDiff(reached, desired)).toBeUndefined();
    }),
  );
});

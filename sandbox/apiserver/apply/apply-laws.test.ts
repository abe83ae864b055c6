import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invariant } from "../../../api/invariant.ts";
import { type JsonObject, objectAt } from "../object/json.ts";
import { toStatus } from "../object/status-error.ts";
import type { Schema } from "../schema/schema.ts";
import { applyPatch } from "./apply-patch.ts";
import { trackUpdate } from "./track-update.ts";

/** Every shape of merging in one schema. */
const SCHEMA: Schema = {
  type: "object",
  properties: {
    kind: { type: "string" },
    struct: { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } } },
    map: { type: "object", additionalProperties: { type: "integer" } },
    set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    atomic: { type: "array", items: { type: "integer" } },
    items: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" }, v: { type: "integer" } } },
    },
  },
};
const small = fc.integer({ min: 0, max: 2 });
const key = fc.constantFrom("x", "y", "z");
const config = fc.record(
  {
    struct: fc
      .record({ a: small, b: small }, { requiredKeys: [] })
      .filter((o) => Object.keys(o).length > 0),
    map: fc.dictionary(key, small, { minKeys: 1 }),
    set: fc.uniqueArray(key, { minLength: 1 }),
    atomic: fc.array(small, { minLength: 1 }),
    items: fc.uniqueArray(fc.record({ k: key, v: small }), {
      minLength: 1,
      selector: (item) => item.k,
    }),
  },
  { requiredKeys: [] },
);
const LAW = {
  version: { schema: SCHEMA, emptyObject: {} },
  apiVersion: "v1",
  nowMs: 1_000,
  subresource: "",
  hasStatusSubresource: false,
};

function lawApply(live: JsonObject | undefined, manager: string, applied: JsonObject): JsonObject {
  const result = applyPatch({ ...LAW, live, manager, applied, force: true });
  invariant(result.ok, "a forced apply works", result.ok ? {} : toStatus(result.error));
  return result.value.object;
}

function withoutOwners(object: JsonObject): JsonObject {
  const { metadata: _, ...rest } = object;
  return rest;
}

describe("laws", () => {
  test("applying twice is applying once", () => {
    fc.assert(
      fc.property(config, config, (before, applied) => {
        const live = lawApply(lawApply(undefined, "other", before), "me", applied);
        const again = applyPatch({ ...LAW, live, manager: "me", applied, force: false });
        expect(again).toEqual({ ok: true, value: { object: live, changed: false } });
      }),
    );
  });

  test("a manager that gives everything up leaves what the other applied, and nothing else", () => {
    fc.assert(
      fc.property(config, config, (theirs, mine) => {
        const alone = lawApply(undefined, "they", theirs);
        const result = applyPatch({
          ...LAW,
          live: alone,
          manager: "me",
          applied: mine,
          force: false,
        });
        if (!result.ok) return;
        const left = lawApply(result.value.object, "me", { kind: "X" });
        const { kind: _, ...content } = withoutOwners(left);
        expect(sorted(content)).toEqual(sorted(withoutOwners(alone)));
      }),
    );
  });

  test("after a forced apply the object says what was applied, and its manager meets no conflict", () => {
    fc.assert(
      fc.property(config, config, (theirs, mine) => {
        const live = lawApply(lawApply(undefined, "they", theirs), "me", mine);
        const merged = lawApply(live, "third", mine);
        expect(sorted(withoutOwners(merged))).toEqual(sorted(withoutOwners(live)));
      }),
    );
  });

  test("an update owns exactly what it changed: updating back and forth ends where it began", () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        const first = trackUpdate({ ...LAW, before: undefined, after: a, manager: "m" });
        const second = trackUpdate({ ...LAW, before: first, after: b, manager: "m" });
        const third = trackUpdate({ ...LAW, before: second, after: a, manager: "m" });
        if (Object.keys(a).length === 0 || Object.keys(b).length === 0) return;
        expect(objectAt(third, ["metadata"])).toEqual(objectAt(first, ["metadata"]));
      }),
    );
  });
});

/** Sets and keyed lists without their order. */
function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      Array.isArray(value) && name !== "atomic"
        ? value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
        : value,
    ]),
  );
}

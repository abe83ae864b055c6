import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

describe("JSON patch", () => {
  const DOC: JsonObject = { a: [1, 2, 3], b: { "x/y": 1, "m~n": 2 }, c: null };

  test.each<[string, JsonValue, JsonObject]>([
    ["add to a list", [{ op: "add", path: "/a/1", value: 9 }], { ...DOC, a: [1, 9, 2, 3] }],
    ["append", [{ op: "add", path: "/a/-", value: 9 }], { ...DOC, a: [1, 2, 3, 9] }],
    [
      "escapes",
      [
        { op: "replace", path: "/b/x~1y", value: 3 },
        { op: "remove", path: "/b/m~0n" },
      ],
      { ...DOC, b: { "x/y": 3 } },
    ],
    [
      "test then replace",
      [
        { op: "test", path: "/a/0", value: 1 },
        { op: "replace", path: "/a/0", value: 7 },
      ],
      { ...DOC, a: [7, 2, 3] },
    ],
    ["move", [{ op: "move", from: "/a/0", path: "/d" }], { ...DOC, a: [2, 3], d: 1 }],
    ["copy", [{ op: "copy", from: "/b", path: "/d" }], { ...DOC, d: { "x/y": 1, "m~n": 2 } }],
    ["test of a missing member against null", [{ op: "test", path: "/none", value: null }], DOC],
    [
      "__proto__ is data",
      [
        { op: "add", path: "/b/__proto__", value: 1 },
        { op: "remove", path: "/b/__proto__" },
      ],
      DOC,
    ],
  ])("%s", (_name, patch, want) => {
    expect(jsonPatch(DOC, patch)).toEqual({ ok: true, value: want });
  });

  test.each<[string, JsonValue, number]>([
    ["a failing test", [{ op: "test", path: "/a/0", value: 2 }], 422],
    ["a missing path", [{ op: "remove", path: "/none" }], 422],
    ["an index beyond the end", [{ op: "add", path: "/a/4", value: 1 }], 422],
    ["an index with a leading zero", [{ op: "replace", path: "/a/01", value: 1 }], 422],
    ["an inherited member", [{ op: "replace", path: "/b/constructor", value: 1 }], 422],
    ["an unknown operation", [{ op: "frob", path: "/a" }], 422],
    ["a document that is no object", [{ op: "replace", path: "", value: 1 }], 422],
    ["no list", { op: "add" }, 400],
    [
      "too many operations",
      Array.from({ length: 10_001 }, () => ({ op: "test", path: "/c" })),
      413,
    ],
  ])("refuses %s", (_name, patch, code) => {
    expect(jsonPatch(DOC, patch)).toMatchObject({ ok: false, error: { code } });
  });
});

describe("merge patch", () => {
  // RFC 7396, appendix A, the rows whose documents are objects.
  test.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (document, patch, want) => {
    expect(mergePatch(document, patch)).toEqual({ ok: true, value: want });
  });

  test("a patch that is no object is refused", () => {
    expect(mergePatch({}, ["c"])).toMatchObject({ ok: false, error: { code: 400 } });
  });

  test("applying a patch twice is applying it once", () => {
    const leaf = fc.oneof(fc.constant(null), fc.integer(), fc.constant("s"));
    const object = fc.dictionary(
      fc.constantFrom("a", "b", "c"),
      fc.oneof(leaf, fc.dictionary(fc.constantFrom("a", "b"), leaf)),
    );
    fc.assert(
      fc.property(object, object, (document, patch) => {
        const once = mergePatch(document, patch);
        expect(once.ok && mergePatch(once.value, patch)).toEqual(once);
      }),
    );
  });
});

describe("strategic merge patch", () => {
  const SCHEMA: Schema = {
    properties: {
      ports: {
        type: "array",
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "port",
        items: {
          properties: {
            port: { type: "integer" },
            name: { type: "string" },
            tags: { type: "array", "x-kubernetes-patch-strategy": "merge" },
          },
        },
      },
      finalizers: {
        type: "array",
        "x-kubernetes-patch-strategy": "merge",
        items: { type: "string" },
      },
      args: { type: "array", items: { type: "string" } },
      strategy: {
        properties: { type: {}, rolling: {} },
        "x-kubernetes-patch-strategy": "retainKeys",
      },
    },
  };
  const DOC: JsonObject = {
    ports: [
      { port: 80, name: "http" },
      { port: 443, name: "https" },
    ],
    finalizers: ["a", "b"],
    args: ["x"],
    strategy: { type: "RollingUpdate", rolling: { surge: 1 } },
  };

  test.each<[string, JsonObject, Readonly<Record<string, JsonValue | undefined>>]>([
    [
      "merges an item by its key",
      { ports: [{ port: 80, name: "web" }] },
      {
        ports: [
          { port: 80, name: "web" },
          { port: 443, name: "https" },
        ],
      },
    ],
    [
      "puts a new item first",
      { ports: [{ port: 81 }] },
      { ports: [{ port: 81 }, { port: 80, name: "http" }, { port: 443, name: "https" }] },
    ],
    [
      "deletes an item",
      { ports: [{ port: 80, $patch: "delete" }] },
      { ports: [{ port: 443, name: "https" }] },
    ],
    ["replaces a list", { ports: [{ $patch: "replace" }, { port: 1 }] }, { ports: [{ port: 1 }] }],
    ["merges scalars as a set", { finalizers: ["b", "c"] }, { finalizers: ["a", "b", "c"] }],
    ["deletes scalars", { "$deleteFromPrimitiveList/finalizers": ["a"] }, { finalizers: ["b"] }],
    ["replaces a list without strategy", { args: ["y"] }, { args: ["y"] }],
    ["removes a field by null", { args: null }, { args: undefined }],
    [
      "replaces a map",
      { strategy: { $patch: "replace", type: "Recreate" } },
      { strategy: { type: "Recreate" } },
    ],
    ["deletes a map", { strategy: { $patch: "delete" } }, { strategy: undefined }],
    [
      "retains only the named keys",
      { strategy: { $retainKeys: ["type"], type: "Recreate" } },
      { strategy: { type: "Recreate" } },
    ],
    [
      "orders items, foreign ones staying behind their neighbour",
      {
        "$setElementOrder/ports": [{ port: 443 }, { port: 80 }],
        ports: [{ port: 80, name: "web" }],
      },
      {
        ports: [
          { port: 443, name: "https" },
          { port: 80, name: "web" },
        ],
      },
    ],
    ["orders scalars", { "$setElementOrder/finalizers": ["b", "a"] }, { finalizers: ["b", "a"] }],
  ])("%s", (_name, patch, want) => {
    const result = strategicMergePatch(DOC, patch, SCHEMA);
    expect(result).toEqual({ ok: true, value: expect.objectContaining(defined(want)) });
    for (const [name, value] of Object.entries(want)) {
      if (value === undefined) expect(result.ok && name in result.value).toBe(false);
    }
    expect(JSON.stringify(result)).not.toContain("$");
  });

  test.each<[string, JsonValue]>([
    ["an unknown directive", { $patch: "frob" }],
    ["an item without its key", { ports: [{ name: "x" }] }],
    [
      "retainKeys that leave out a field they set",
      { strategy: { $retainKeys: ["rolling"], type: "x" } },
    ],
    ["a list as the patch", []],
  ])("refuses %s", (_name, patch) => {
    expect(strategicMergePatch(DOC, patch, SCHEMA)).toMatchObject({
      ok: false,
      error: { code: 400 },
    });
  });

  function defined(fields: Readonly<Record<string, JsonValue | undefined>>): object {
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  }
});

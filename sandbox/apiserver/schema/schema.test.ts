import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { applyDefaults } from "./apply-defaults.ts";
import { matchesFormat } from "./format.ts";
import { pruneUnknown } from "./prune-unknown.ts";
import type { Schema } from "./schema.ts";
import { validate } from "./validate.ts";

function errors(schema: Schema, value: JsonValue, old?: JsonValue): readonly string[] {
  return validate(schema, value, { old }).map((error) => `${error.field}: ${error.message}`);
}

describe("pruning", () => {
  const SCHEMA: Schema = {
    type: "object",
    properties: {
      known: { type: "string" },
      list: { type: "array", items: { type: "object", properties: { a: {} } } },
      map: { type: "object", additionalProperties: { type: "object", properties: { a: {} } } },
      open: {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        properties: { in: { type: "object" } },
      },
      embedded: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        properties: { spec: {} },
      },
    },
  };

  test("unknown fields go, at any depth, and are named", () => {
    const { object, unknownPaths } = pruneUnknown(SCHEMA, {
      known: "x",
      nope: 1,
      list: [{ a: 1, b: 2 }],
      map: { k: { a: 1, b: 2 } },
      open: { any: 1, in: { gone: 1 } },
      embedded: { kind: "K", metadata: { name: "n" }, other: 1 },
    });
    expect(object).toEqual({
      known: "x",
      list: [{ a: 1 }],
      map: { k: { a: 1 } },
      open: { any: 1, in: {} },
      embedded: { kind: "K", metadata: { name: "n" } },
    });
    expect(unknownPaths).toEqual([
      "nope",
      "list[0].b",
      "map.k.b",
      "open.in.gone",
      "embedded.other",
    ]);
  });

  test("names of Object.prototype are not known fields", () => {
    const hostile: JsonObject = JSON.parse('{"constructor":1,"__proto__":{"a":1},"toString":2}');
    expect(pruneUnknown(SCHEMA, hostile).object).toEqual({});
  });

  test("pruning twice is pruning once", () => {
    fc.assert(
      fc.property(fc.object({ key: fc.constantFrom("known", "list", "map", "a", "b") }), (raw) => {
        const value: JsonObject = JSON.parse(JSON.stringify(raw));
        const once = pruneUnknown(SCHEMA, value);
        expect(pruneUnknown(SCHEMA, once.object)).toEqual({
          object: once.object,
          unknownPaths: [],
        });
      }),
    );
  });
});

describe("defaults", () => {
  const SCHEMA: Schema = {
    type: "object",
    properties: {
      spec: {
        type: "object",
        default: {},
        properties: {
          n: { type: "integer", default: 1 },
          z: { type: "string", nullable: true, default: "z" },
        },
      },
      list: { type: "array", items: { type: "object", properties: { p: { default: "TCP" } } } },
    },
  };

  test.each<[JsonObject, JsonObject]>([
    [{}, { spec: { n: 1, z: "z" } }],
    [{ spec: { n: null, z: null } }, { spec: { n: 1, z: null } }],
    [{ spec: { n: 0 } }, { spec: { n: 0, z: "z" } }],
    [
      { spec: { n: 1, z: "z" }, list: [{}, { p: "UDP" }] },
      { spec: { n: 1, z: "z" }, list: [{ p: "TCP" }, { p: "UDP" }] },
    ],
  ])("%j becomes %j", (given, want) => {
    expect(applyDefaults(SCHEMA, given)).toEqual(want);
    expect(applyDefaults(SCHEMA, want)).toEqual(want);
  });
});

describe("validation", () => {
  test.each<[string, Schema, JsonValue, readonly string[]]>([
    [
      "type",
      { type: "integer" },
      "80",
      ['a: Invalid value: "string": a in body must be of type integer: "string"'],
    ],
    [
      "a fraction for an integer",
      { type: "integer" },
      1.5,
      ['a: Invalid value: "number": a in body must be of type integer: "number"'],
    ],
    ["an integer is a number", { type: "number" }, 2, []],
    [
      "null",
      { type: "string" },
      null,
      ['a: Invalid value: "null": a in body must be of type string: "null"'],
    ],
    ["nullable", { type: "string", nullable: true }, null, []],
    [
      "enum",
      { type: "string", enum: ["A", "B"] },
      "C",
      ['a: Unsupported value: "C": supported values: "A", "B"'],
    ],
    [
      "pattern",
      { type: "string", pattern: "^[a-z]+$" },
      "A",
      ["a: Invalid value: \"A\": a in body should match '^[a-z]+$'"],
    ],
    [
      "minLength counts characters",
      { type: "string", minLength: 2 },
      "😀",
      ['a: Invalid value: "😀": a in body should be at least 2 chars long'],
    ],
    [
      "maxLength",
      { type: "string", maxLength: 2 },
      "abc",
      ["a: Too long: may not be more than 2 bytes"],
    ],
    [
      "minimum",
      { type: "integer", minimum: 1 },
      0,
      ["a: Invalid value: 0: a in body should be greater than or equal to 1"],
    ],
    [
      "exclusive maximum",
      { type: "integer", maximum: 5, exclusiveMaximum: true },
      5,
      ["a: Invalid value: 5: a in body should be less than 5"],
    ],
    [
      "maxItems",
      { type: "array", maxItems: 1, items: {} },
      [1, 2],
      ["a: Too many: 2: must have at most 1 item"],
    ],
    [
      "minItems",
      { type: "array", minItems: 1, items: {} },
      [],
      ["a: Invalid value: 0: a in body should have at least 1 items"],
    ],
    [
      "set",
      { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
      ["x", "y", "x"],
      ['a[2]: Duplicate value: "x"'],
    ],
    [
      "map list",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
        items: { type: "object", properties: { k: { type: "string" } } },
      },
      [{ k: "1" }, { k: "1" }],
      ['a[1]: Duplicate value: {"k":"1"}'],
    ],
    [
      "int or string",
      { "x-kubernetes-int-or-string": true },
      true,
      ['a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"'],
    ],
    [
      "required",
      { type: "object", required: ["x", "y"], properties: { x: {}, y: { type: "string" } } },
      { y: null },
      ["a.x: Required value", "a.y: Required value"],
    ],
    [
      "format",
      { type: "string", format: "date-time" },
      "soon",
      ['a: Invalid value: "soon": a in body must be of type date-time: "soon"'],
    ],
    [
      "anyOf",
      { anyOf: [{ required: ["x"] }, { required: ["y"] }] },
      {},
      ['a: Invalid value: "": a in body must validate at least one schema (anyOf)'],
    ],
    [
      "oneOf",
      { oneOf: [{ required: ["x"] }, { required: ["y"] }] },
      { x: 1, y: 1 },
      [
        'a: Invalid value: "": a in body must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      "not",
      { not: { required: ["x"] } },
      { x: 1 },
      ['a: Invalid value: "": a in body must not validate the schema (not)'],
    ],
  ])("%s", (_name, schema, value, want) => {
    expect(errors({ type: "object", properties: { a: schema } }, { a: value })).toEqual(want);
  });

  test("what was stored before the schema became stricter is not held against an update", () => {
    const schema: Schema = {
      type: "object",
      properties: { a: { type: "string", maxLength: 1 }, b: { type: "string", maxLength: 1 } },
    };
    const old = { a: "long", b: "x" };
    expect(errors(schema, { a: "long", b: "y" }, old)).toEqual([]);
    expect(errors(schema, { a: "longer", b: "y" }, old)).toEqual([
      "a: Too long: may not be more than 1 bytes".replace("bytes", "byte"),
    ]);
  });
});

test.each<[string, string, boolean]>([
  ["date-time", "2026-11-22T00:00:00Z", true],
  ["date-time", "2026-11-22T00:00:00.123456+01:00", true],
  ["date-time", "2026-02-30T00:00:00Z", false],
  ["date-time", "2026-11-22", false],
  ["ipv4", "10.0.0.1", true],
  ["ipv4", "::1", false],
  ["byte", "Yg==", true],
  ["byte", "Yg=", false],
  ["something-else", "anything", true],
])("%s of %j: %s", (format, text, want) => {
  expect(matchesFormat(format, text)).toBe(want);
});

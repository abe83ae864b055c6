import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { assertNever } from "../../../api/invariant.ts";
import { applyPatch } from "../apply/apply-patch.ts";
import { trackUpdate } from "../apply/track-update.ts";
import { apiVersionOf } from "../object/decode.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { objectAt, ownFields, withFieldAt } from "../object/json.ts";
import type { Schema } from "../schema/schema.ts";
import { builtinKinds } from "./builtin-kinds.ts";
import { customKindOf } from "./custom-kind.ts";
import type { Kind } from "./kind.ts";
import { KindTrial } from "./kind-trial.ts";

const IMPORTS: JsonObject = parse(
  readFileSync(
    new URL("../../../api/crds/multicluster.x-k8s.io_serviceimports.yaml", import.meta.url),
    "utf8",
  ),
);
const KINDS: readonly Kind[] = [...builtinKinds(), customKindOf(IMPORTS)];
const DEPTH_MAX = 5;

/** Words that rules care about, and some that nobody expects. */
const word = fc.constantFrom(
  "",
  "a",
  "web-1",
  "None",
  "TCP",
  "UDP",
  "ClusterIP",
  "NodePort",
  "ExternalName",
  "LoadBalancer",
  "ClientIP",
  "IPv4",
  "IPv6",
  "PreferDualStack",
  "RequireDualStack",
  "10.101.3.4",
  "10.9.0.1",
  "fd00::5",
  "Bad_",
  "constructor",
  "__proto__",
  "Always",
  "Recreate",
);
const junk: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  word,
  fc.constant([]),
  fc.constant({}),
  fc.constant([null, [1], { a: null }]),
);

/** Values a schema allows, with one in a dozen that it does not. */
function valuesOf(schema: Schema, depth: number): fc.Arbitrary<JsonValue> {
  const fitting = fittingOf(schema, depth);
  return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: junk });
}

function fittingOf(schema: Schema, depth: number): fc.Arbitrary<JsonValue> {
  if (depth > DEPTH_MAX) return junk;
  switch (schema.type) {
    case "object": {
      const { properties, additionalProperties } = schema;
      if (properties !== undefined) {
        const fields = Object.entries(properties).map(([name, child]) => [
          name,
          valuesOf(child, depth + 1),
        ]);
        const record: Record<string, fc.Arbitrary<JsonValue>> = Object.fromEntries(fields);
        return fc.record(record, { requiredKeys: [] }).map(present);
      }
      const values =
        typeof additionalProperties === "object" ? valuesOf(additionalProperties, depth + 1) : junk;
      return fc.dictionary(word, values, { maxKeys: 2 });
    }
    case "array":
      return fc.array(schema.items === undefined ? junk : valuesOf(schema.items, depth + 1), {
        maxLength: 3,
      });
    case "integer":
    case "number":
      return fc.constantFrom(0, 1, 80, 443, 30_000, 70_000, -1);
    case "boolean":
      return fc.boolean();
    case "string":
      return word;
    case undefined:
      return junk;
    default:
      return assertNever(schema.type);
  }
}

/** Fields left out are not there at all. */
function present(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return ownFields(
    Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
}

function bodiesOf(kind: Kind): fc.Arbitrary<JsonObject> {
  const trial = new KindTrial(kind);
  const own = Object.entries(trial.version.schema.properties ?? {}).filter(
    ([name]) => !["apiVersion", "kind", "metadata"].includes(name),
  );
  const record: Record<string, fc.Arbitrary<JsonValue>> = Object.fromEntries(
    own.map(([name, schema]) => [name, valuesOf(schema, 1)]),
  );
  return fc.record(record, { requiredKeys: [] }).map(present);
}

describe.each(KINDS)("$group/$kind", (kind) => {
  const bodies = bodiesOf(kind);

  test("any body gets an answer, and an accepted object updated with itself stays as it is", () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const trial = new KindTrial(kind, ["10.101.0.0/16", "fd00:101::/112"]);
        const made = trial.create(body);
        if (!made.ok) {
          expect([400, 422]).toContain(made.error.code);
          return;
        }
        const again = trial.update(trial.version.fromStorage(made.value), made.value);
        expect(again).toEqual(made);
        trial.delete(made.value);
      }),
      { numRuns: 40 },
    );
  });

  test("any two bodies can be applied by two managers one after the other, and again without change", () => {
    const base = {
      version: new KindTrial(kind).version,
      apiVersion: apiVersionOf(kind, new KindTrial(kind).version),
      nowMs: 1_000,
      subresource: "",
      hasStatusSubresource: kind.subresources.status === true,
    };
    fc.assert(
      fc.property(bodies, bodies, (a, b) => {
        const first = applyPatch({
          ...base,
          live: undefined,
          applied: a,
          manager: "a",
          force: false,
        });
        if (!first.ok) return;
        const second = applyPatch({
          ...base,
          live: first.value.object,
          applied: b,
          manager: "b",
          force: true,
        });
        if (!second.ok) return;
        const tracked = trackUpdate({
          ...base,
          before: second.value.object,
          after: withLabel(second.value.object),
          manager: "c",
        });
        expect(objectAt(tracked, ["metadata", "labels"])).toEqual({ l: "1" });
        const third = applyPatch({
          ...base,
          live: second.value.object,
          applied: b,
          manager: "b",
          force: false,
        });
        expect(third).toEqual({ ok: true, value: { object: second.value.object, changed: false } });
      }),
      { numRuns: 25 },
    );
  });
});

function withLabel(object: JsonObject): JsonObject {
  return withFieldAt(object, ["metadata", "labels", "l"], "1");
}

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invariant } from "../../../api/invariant.ts";
import { SERVICE } from "../kinds/service/service-kind.ts";
import {
  field,
  fieldAt,
  type JsonObject,
  type JsonValue,
  objectAt,
  withFieldAt,
} from "../object/json.ts";
import { toStatus } from "../object/status-error.ts";
import type { Schema } from "../schema/schema.ts";
import { type ApplyRequest, applyPatch } from "./apply-patch.ts";
import { trackUpdate } from "./track-update.ts";

const VERSION = SERVICE.versions[0];
invariant(VERSION !== undefined, "Service has a version");

const BASE = {
  force: false,
  version: VERSION,
  apiVersion: "v1",
  nowMs: 1_000,
  subresource: "",
  hasStatusSubresource: true,
};

function apply(
  live: JsonObject | undefined,
  manager: string,
  applied: JsonObject,
  more: Partial<ApplyRequest> = {},
): JsonObject {
  const result = applyPatch({ ...BASE, live, manager, applied, ...more });
  invariant(result.ok, "the apply works", result.ok ? {} : toStatus(result.error));
  return result.value.object;
}

function service(spec: JsonObject, labels?: JsonObject): JsonObject {
  const metadata = { name: "ssa", ...(labels === undefined ? {} : { labels }) };
  return { apiVersion: "v1", kind: "Service", metadata, spec };
}

function ports(object: JsonObject): JsonValue | undefined {
  return fieldAt(object, ["spec", "ports"]);
}

/** manager -> what it owns. */
function owners(object: JsonObject): JsonObject {
  const list = fieldAt(object, ["metadata", "managedFields"]);
  const entries = Array.isArray(list) ? list : [];
  return Object.fromEntries(entries.map((entry) => [entry.manager, entry.fieldsV1]));
}

const HTTP = { name: "http", port: 80 };
const BY_A = service({ ports: [HTTP], selector: { app: "a" } }, { l1: "a" });
const A_OWNS = {
  "f:metadata": { "f:labels": { "f:l1": {} } },
  "f:spec": {
    "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } },
    "f:selector": {},
  },
};

describe("the story of one Service and two managers", () => {
  const first = apply(undefined, "a", BY_A);

  test("an apply that creates owns its leaves and list items, but no structs", () => {
    expect(owners(first)).toEqual({ a: A_OWNS });
  });

  test("the same again changes nothing, not even the time", () => {
    const again = applyPatch({ ...BASE, live: first, manager: "a", applied: BY_A, nowMs: 9_000 });
    expect(again).toEqual({ ok: true, value: { object: first, changed: false } });
  });

  test("a second manager adds its port behind the first's", () => {
    const second = apply(first, "b", service({ ports: [{ name: "b", port: 81 }] }));
    expect(ports(second)).toEqual([HTTP, { name: "b", port: 81 }]);
    expect(owners(second)).toMatchObject({ a: A_OWNS });
  });

  test("another's field is a conflict that names it", () => {
    const refused = applyPatch({
      ...BASE,
      live: first,
      manager: "b",
      applied: service({ ports: [{ name: "http2", port: 80 }] }),
    });
    invariant(!refused.ok, "a conflict");
    expect(toStatus(refused.error)).toMatchObject({
      code: 409,
      reason: "Conflict",
      message:
        'Apply failed with 1 conflict: conflict with "a": .spec.ports[port=80,protocol="TCP"].name',
      details: {
        causes: [
          {
            reason: "FieldManagerConflict",
            message: 'conflict with "a"',
            field: '.spec.ports[port=80,protocol="TCP"].name',
          },
        ],
      },
    });
  });

  test("force takes the field over", () => {
    const forced = apply(first, "b", service({ ports: [{ name: "http2", port: 80 }] }), {
      force: true,
    });
    expect(ports(forced)).toEqual([{ name: "http2", port: 80 }]);
    expect(
      fieldAt(owners(forced), ["a", "f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}']),
    ).toEqual({
      ".": {},
      "f:port": {},
    });
  });

  test("what a manager no longer applies goes, and an emptied map goes with it", () => {
    const dropped = apply(first, "a", service({ ports: [HTTP], selector: { app: "a" } }));
    expect(fieldAt(dropped, ["metadata", "labels"])).toBeUndefined();
  });

  test("what another owns too stays when one drops it", () => {
    const shared = apply(first, "b", service({ ports: [HTTP] }));
    const dropped = apply(shared, "a", service({ selector: { app: "a" } }));
    expect(ports(dropped)).toEqual([HTTP]);
  });

  test("several conflicts are listed by manager", () => {
    const refused = applyPatch({
      ...BASE,
      live: first,
      manager: "b",
      applied: service({ selector: { app: "b" } }, { l1: "b" }),
    });
    invariant(!refused.ok, "a conflict");
    expect(refused.error.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "a":\n- .metadata.labels.l1\n- .spec.selector',
    );
  });
});

test.each<[string, Partial<ApplyRequest>, number, string]>([
  [
    "no manager",
    { manager: "" },
    422,
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  ],
  [
    "managedFields in the body",
    { applied: withFieldAt(BY_A, ["metadata", "managedFields"], []) },
    400,
    "metadata.managedFields must be nil",
  ],
  [
    "an unknown field",
    { applied: withFieldAt(BY_A, ["spec", "nope"], 1) },
    500,
    "failed to create typed patch object (/ssa; /v1, Kind=Service): .spec.nope: field not declared in schema",
  ],
  [
    "an item without its key",
    { applied: service({ ports: [{ name: "x" }] }) },
    500,
    'failed to create typed patch object (/ssa; /v1, Kind=Service): .spec.ports: element 0: associative list with keys has an element that omits key field "port" (and doesn\'t have default value)',
  ],
  [
    "one item twice",
    { applied: service({ ports: [{ port: 80 }, { port: 80, protocol: "TCP" }] }) },
    500,
    'failed to create typed patch object (/ssa; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
  ],
])("refuses %s", (_name, request, code, message) => {
  const refused = applyPatch({ ...BASE, live: undefined, manager: "a", applied: BY_A, ...request });
  expect(refused).toMatchObject({ ok: false, error: { code, message } });
});

describe("updates", () => {
  const created = trackUpdate({ ...BASE, before: undefined, after: BY_A, manager: "m" });

  test("a create owns structs only where they are new", () => {
    expect(owners(created)).toEqual({
      m: {
        "f:metadata": { "f:labels": { ".": {}, "f:l1": {} } },
        "f:spec": {
          "f:ports": {
            ".": {},
            'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} },
          },
          "f:selector": {},
        },
      },
    });
  });

  test("an update that changes nothing keeps managedFields and their times", () => {
    const { managedFields: _, ...metadata } = objectAt(created, ["metadata"]);
    const same = { ...created, metadata };
    expect(
      trackUpdate({ ...BASE, before: created, after: same, manager: "m", nowMs: 9_000 }),
    ).toEqual(created);
    expect(
      trackUpdate({ ...BASE, before: created, after: same, manager: "other", nowMs: 9_000 }),
    ).toEqual(created);
  });

  test("an update takes what it changes from an applier, who then meets a conflict", () => {
    const applied = apply(undefined, "a", BY_A);
    const changed = withFieldAt(applied, ["spec", "selector"], { app: "z" });
    const updated = trackUpdate({
      ...BASE,
      before: applied,
      after: changed,
      manager: "kubectl-edit",
    });
    expect(fieldAt(owners(updated), ["a", "f:spec", "f:selector"])).toBeUndefined();
    expect(applyPatch({ ...BASE, live: updated, manager: "a", applied: BY_A })).toMatchObject({
      ok: false,
      error: {
        message:
          'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .spec.selector',
      },
    });
  });

  test("the status subresource owns status only, the main resource everything else", () => {
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.7" }] } };
    const after = { ...withFieldAt(created, ["metadata", "labels"], {}), status };
    const updated = trackUpdate({
      ...BASE,
      before: created,
      after,
      manager: "lb",
      subresource: "status",
    });
    expect(field(owners(updated), "lb")).toEqual({
      "f:status": { ".": {}, "f:loadBalancer": { ".": {}, "f:ingress": {} } },
    });
  });

  test("a client may edit the owners, or forget them all with [{}]", () => {
    const edited = withFieldAt(created, ["metadata", "managedFields"], [{}]);
    const reset = trackUpdate({ ...BASE, before: created, after: edited, manager: "m" });
    expect(fieldAt(reset, ["metadata", "managedFields"])).toBeUndefined();
  });

  test("an object nobody owns is given to before-first-apply at its first apply", () => {
    const untracked = service({ selector: { app: "x" } });
    const applied = apply(untracked, "a", service({ ports: [HTTP] }));
    expect(owners(applied)).toMatchObject({
      "before-first-apply": { "f:spec": { "f:selector": {} } },
    });
  });

  test("the eleventh updater pushes the oldest into ancient-changes", () => {
    let object = service({});
    for (let i = 0; i < 14; i += 1) {
      const after = withFieldAt(object, ["metadata", "labels", `l${i}`], "x");
      object = trackUpdate({
        ...BASE,
        before: i === 0 ? undefined : object,
        after,
        manager: `m${String(i).padStart(2, "0")}`,
        nowMs: i * 1_000,
      });
    }
    const names = Object.keys(owners(object)).toSorted();
    expect(names).toHaveLength(10);
    expect(names[0]).toBe("ancient-changes");
    expect(field(owners(object), "ancient-changes")).toMatchObject({
      "f:metadata": { "f:labels": { "f:l0": {}, "f:l4": {} } },
    });
  });
});

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
const LAW = { ...BASE, version: { schema: SCHEMA, emptyObject: {} }, hasStatusSubresource: false };

function lawApply(live: JsonObject | undefined, manager: string, applied: JsonObject): JsonObject {
  return apply(live, manager, applied, { ...LAW, force: true });
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
        const result = applyPatch({ ...LAW, live: alone, manager: "me", applied: mine });
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
        expect(owners(third)).toEqual(owners(first));
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

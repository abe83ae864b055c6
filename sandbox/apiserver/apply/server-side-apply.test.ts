import { describe, expect, test } from "vitest";
import { invariant } from "../../../api/invariant.ts";
import { SERVICE } from "../kinds/service/service-kind.ts";
import {
  field,
  fieldAt,
  isObject,
  type JsonObject,
  type JsonValue,
  listAt,
  objectAt,
  withFieldAt,
} from "../object/json.ts";
import { toStatus } from "../object/status-error.ts";
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
    "items that leave their key to the zero of its type twice, and a number as a name",
    { applied: service({ ports: [{ name: "x" }, { name: 7 }] }) },
    500,
    'failed to create typed patch object (/ssa; /v1, Kind=Service): errors:\n  .spec.ports: duplicate entries for key [port=0,protocol="TCP"]\n  .spec.ports[port=0,protocol="TCP"].name: expected string, got &value.valueUnstructured{Value:7}',
  ],
  [
    "an item that is no object",
    { applied: service({ ports: ["x"] }) },
    500,
    "failed to create typed patch object (/ssa; /v1, Kind=Service): .spec.ports: element 0: associative list with keys may not have non-map elements",
  ],
  ...[
    {
      spec: { ports: [{ port: "x" }] },
      want: '.spec.ports[port="x",protocol="TCP"].port: expected numeric (int or float), got string',
    },
    { spec: { ports: { a: 1 } }, want: ".spec.ports: expected list, got &{map[a:1]}" },
    { spec: { selector: "x" }, want: ".spec.selector: expected map, got &{x}" },
    {
      spec: { selector: { a: { b: "c" } } },
      want: '.spec.selector.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":"c"}}',
    },
    {
      spec: { publishNotReadyAddresses: "true" },
      want: ".spec.publishNotReadyAddresses: expected boolean, got &{true}",
    },
    {
      spec: { clusterIPs: [1] },
      want: ".spec.clusterIPs[0]: expected string, got &value.valueUnstructured{Value:1}",
    },
  ].map(({ spec, want }): [string, Partial<ApplyRequest>, number, string] => [
    `a wrong type: ${want}`,
    { applied: service(spec) },
    500,
    `failed to create typed patch object (/ssa; /v1, Kind=Service): ${want}`,
  ]),
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

describe("kubectl apply --server-side after kubectl apply", () => {
  const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
  const PATH = ["metadata", "annotations", ANNOTATION];
  const configuration = service({ ports: [HTTP] }, { l1: "a", l2: "a" });
  const applied = withFieldAt(configuration, PATH, `${JSON.stringify(configuration)}\n`);
  const live = trackUpdate({
    ...BASE,
    before: undefined,
    after: applied,
    manager: "kubectl-client-side-apply",
  });
  const wanted = service({ ports: [HTTP] }, { l1: "b" });

  test("takes over what was applied, and keeps the annotation what was applied last", () => {
    const next = apply(live, "kubectl", wanted);
    expect(fieldAt(next, ["metadata", "labels"])).toEqual({ l1: "b", l2: "a" });
    expect(fieldAt(next, PATH)).toBe(
      '{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"l1":"b"},"name":"ssa"},"spec":{"ports":[{"name":"http","port":80}]}}\n',
    );
    const again = applyPatch({ ...BASE, live: next, manager: "kubectl", applied: wanted });
    expect(again).toMatchObject({ ok: true, value: { changed: false } });
  });

  test.each([
    { who: "another manager", manager: "other", object: live },
    {
      who: "kubectl, when somebody changed it since",
      manager: "kubectl",
      object: withFieldAt(live, ["metadata", "labels", "l1"], "c"),
    },
    {
      who: "kubectl, when the annotation is no configuration",
      manager: "kubectl",
      object: withFieldAt(live, PATH, "{"),
    },
    {
      who: "kubectl, when the annotation is of another version",
      manager: "kubectl",
      object: withFieldAt(live, PATH, '{"apiVersion":"v2","metadata":{"labels":{"l1":"a"}}}'),
    },
  ])("$who gets the conflict", ({ manager, object }) => {
    const refused = applyPatch({ ...BASE, live: object, manager, applied: wanted });
    expect(refused).toMatchObject({
      error: {
        code: 409,
        message:
          'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .metadata.labels.l1',
      },
    });
  });
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

test("kubectl moves an object from client-side to server-side apply by editing managedFields", () => {
  const PATH = ["metadata", "managedFields"];
  const created = trackUpdate({
    ...BASE,
    before: undefined,
    after: BY_A,
    manager: "kubectl-client-side-apply",
  });
  const [updater] = listAt(created, PATH);
  invariant(isObject(updater), "the create is recorded");
  const mine = { ...updater, manager: "kubectl", operation: "Apply" };
  const edited = withFieldAt(created, PATH, [mine]);
  const moved = trackUpdate({ ...BASE, before: created, after: edited, manager: "kubectl" });
  expect(fieldAt(moved, PATH)).toEqual([mine]);
  const applied = apply(moved, "kubectl", service({ ports: [{ name: "http", port: 81 }] }));
  expect(ports(applied)).toEqual([{ name: "http", port: 81 }]);
  expect(fieldAt(applied, ["spec", "selector"])).toBeUndefined();
  expect(fieldAt(applied, ["metadata", "labels"])).toBeUndefined();
});

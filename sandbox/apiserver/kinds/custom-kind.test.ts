import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../object/json.ts";
import { fieldAt, listAt, withFieldAt } from "../object/json.ts";
import { customKindOf } from "./custom-kind.ts";
import { DEFINITION } from "./definition/definition-kind.ts";
import { accepted, causes, KindTrial } from "./kind-trial.ts";

function manifest(name: string): JsonObject {
  const parsed: JsonObject = parse(
    readFileSync(new URL(`../../../api/crds/${name}.yaml`, import.meta.url), "utf8"),
  );
  return parsed;
}

const EXPORTS = "multicluster.x-k8s.io_serviceexports";
const IMPORTS = "multicluster.x-k8s.io_serviceimports";
const PROPERTIES = "about.k8s.io_clusterproperties";

function stored(name: string): JsonObject {
  return accepted(new KindTrial(DEFINITION).create(manifest(name)));
}

describe("the manifests of api/crds", () => {
  test.each([
    [EXPORTS, ["svcex", "svcexport"]],
    [IMPORTS, ["svcim", "svcimport"]],
    [PROPERTIES, []],
  ])(
    "%s is accepted, serves v1beta1 (stored) and v1alpha1 with equal schemas",
    (name, shortNames) => {
      const kind = customKindOf(stored(name));
      expect(kind).toMatchObject({
        storageVersion: "v1beta1",
        shortNames,
        categories: ["multicluster"],
        subresources: { status: true },
      });
      expect(kind.versions.map(({ name: version, served }) => [version, served])).toEqual([
        ["v1alpha1", true],
        ["v1beta1", true],
      ]);
      // VER-01: without conversion the versions must not differ.
      const [alpha, beta] = listAt(manifest(name), ["spec", "versions"]);
      expect(fieldAt(alpha, ["schema"])).toEqual(fieldAt(beta, ["schema"]));
    },
  );

  test.each([EXPORTS, IMPORTS])("%s carries the labels of VER-07", (name) => {
    expect(fieldAt(manifest(name), ["metadata", "labels"])).toEqual({
      "multicluster.x-k8s.io/release-version": "v0.5.0",
      "multicluster.x-k8s.io/crd-schema-revision": "1",
    });
  });

  test("every field of them has a description, so that kubectl explain helps", () => {
    const silent: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      if (
        "properties" in schema &&
        typeof schema.properties === "object" &&
        schema.properties !== null
      ) {
        for (const [name, child] of Object.entries(schema.properties)) {
          if (!("description" in Object(child)) && path + name !== "metadata")
            silent.push(path + name);
          walk(child, `${path}${name}.`);
        }
      }
      if ("items" in schema) walk(schema.items, path);
    };
    for (const name of [EXPORTS, IMPORTS, PROPERTIES]) {
      const [version] = listAt(manifest(name), ["spec", "versions"]);
      walk(fieldAt(version, ["schema", "openAPIV3Schema"]), "");
    }
    expect(silent).toEqual([]);
  });
});

describe("ServiceImport objects", () => {
  const trial = new KindTrial(customKindOf(stored(IMPORTS)));
  const API = "multicluster.x-k8s.io/v1beta1";
  const good = {
    apiVersion: API,
    spec: { type: "ClusterSetIP", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
  };

  test.each<[string, JsonObject, readonly string[]]>([
    ["no ports (IMP-09)", { type: "Headless" }, ["spec.ports: Required value"]],
    ["null ports (IMP-09)", { type: "Headless", ports: null }, ["spec.ports: Required value"]],
    [
      "a bad type",
      { type: "VIP", ports: [] },
      ['spec.type: Unsupported value: "VIP": supported values: "ClusterSetIP", "Headless"'],
    ],
    [
      "three ips",
      { type: "ClusterSetIP", ports: [], ips: ["1.1.1.1", "2.2.2.2", "3.3.3.3"] },
      ["spec.ips: Too many: 3: must have at most 2 items"],
    ],
    [
      "a port as text",
      { type: "ClusterSetIP", ports: [{ port: "80" }] },
      [
        'spec.ports[0].port: Invalid value: "string": spec.ports[0].port in body must be of type integer: "string"',
      ],
    ],
  ])("refuses %s", (_name, spec, want) => {
    expect(causes(trial.create({ apiVersion: API, spec }))).toEqual(want);
  });

  test("a new object has no status and generation 1; unknown fields are dropped with a warning", () => {
    const made = accepted(
      trial.create(withFieldAt({ ...good, status: { clusters: [] } }, ["spec", "nope"], 1)),
    );
    expect(made).toMatchObject({ metadata: { generation: 1 }, spec: good.spec });
    expect(made).not.toHaveProperty("status");
    expect(made).not.toHaveProperty("spec.nope");
    expect(trial.warnings).toContain('unknown field "spec.nope"');
  });

  test("the status subresource changes status only, and reports paths below status", () => {
    const old = accepted(trial.create(good));
    const next = withFieldAt(withFieldAt(old, ["spec", "type"], "Headless"), ["status"], {
      clusters: [{ cluster: "a" }],
      endpointSliceObjects: "Present",
    });
    expect(accepted(trial.updateStatus(next, old))).toEqual({ ...old, status: next["status"] });
    const twice = withFieldAt(old, ["status", "clusters"], [{ cluster: "a" }, { cluster: "a" }]);
    expect(causes(trial.updateStatus(twice, old))).toEqual([
      'status.clusters[1]: Duplicate value: {"cluster":"a"}',
    ]);
    const badReason = withFieldAt(
      old,
      ["status", "conditions"],
      [
        {
          type: "Ready",
          status: "True",
          reason: "Not Good",
          message: "",
          lastTransitionTime: "2026-11-22T00:00:00Z",
        },
      ],
    );
    expect(causes(trial.updateStatus(badReason, old))).toEqual([
      "status.conditions[0].reason: Invalid value: \"Not Good\": conditions[0].reason in body should match '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$'",
    ]);
    const absent = withFieldAt(old, ["status", "endpointSliceObjects"], "Maybe");
    expect(causes(trial.updateStatus(absent, old))).toEqual([
      'status.endpointSliceObjects: Unsupported value: "Maybe": supported values: "Present", "Absent"',
    ]);
  });

  test("its columns are Type, IP and Age, a list shown as JSON", () => {
    const object = accepted(trial.create(withFieldAt(good, ["spec", "ips"], ["10.101.7.7"])));
    const cells = trial.version.printerColumns.map((column) => [
      column.name,
      column.value(object, { nowMs: 66_000 }),
    ]);
    expect(cells).toEqual([
      ["Type", "ClusterSetIP"],
      ["IP", '["10.101.7.7"]'],
      ["Age", "65s"],
    ]);
  });

  test("both versions read the same object", () => {
    const object = accepted(trial.create(good));
    const alpha = trial.kind.versions.find(({ name }) => name === "v1alpha1");
    expect(alpha?.fromStorage(object)).toEqual({
      ...object,
      apiVersion: "multicluster.x-k8s.io/v1alpha1",
    });
  });
});

describe("definitions", () => {
  const good = manifest(EXPORTS);
  const version = (fields: JsonObject): JsonObject => ({
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object" } },
    ...fields,
  });
  const schema = (properties: JsonObject): JsonObject =>
    withFieldAt(
      good,
      ["spec", "versions"],
      [version({ schema: { openAPIV3Schema: { type: "object", properties } } })],
    );
  const AT = "spec.versions[0].schema.openAPIV3Schema";

  test.each<[string, JsonObject, readonly string[]]>([
    [
      "another name",
      withFieldAt(good, ["metadata", "name"], "x.y"),
      ['metadata.name: Invalid value: "x.y": must be spec.names.plural+"."+spec.group'],
    ],
    [
      "no storage version",
      withFieldAt(good, ["spec", "versions"], [version({ storage: false })]),
      [expect.stringContaining("must have exactly one version marked as storage version")],
    ],
    [
      "no schema",
      withFieldAt(good, ["spec", "versions"], [version({ schema: null })]),
      [`${AT}: Required value: schemas are required`],
    ],
    [
      "a field without type",
      schema({ spec: {} }),
      [
        `${AT}.properties[spec].type: Required value: must not be empty for specified object fields`,
      ],
    ],
    [
      "a broken pattern",
      schema({ a: { type: "string", pattern: "(" } }),
      [
        expect.stringContaining(
          `${AT}.properties[a].pattern: Invalid value: "(": must be a valid regular expression`,
        ),
      ],
    ],
    [
      "a reference",
      schema({ a: { type: "object", $ref: "#/x" } }),
      [`${AT}.properties[a].$ref: Forbidden: $ref is not supported`],
    ],
    [
      "map keys that are optional",
      schema({
        a: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["k"],
          items: { type: "object", properties: { k: { type: "string" } } },
        },
      }),
      [expect.stringContaining("must have a default or be a required property")],
    ],
    [
      "a webhook",
      withFieldAt(good, ["spec", "conversion"], { strategy: "Webhook" }),
      ['spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"'],
    ],
    [
      "a k8s.io group without approval",
      withFieldAt(manifest(PROPERTIES), ["metadata", "annotations"], {}),
      [expect.stringContaining("protected groups must have approval annotation")],
    ],
  ])("refuses %s", (_name, body, want) => {
    expect(causes(new KindTrial(DEFINITION).create(body))).toEqual(want);
  });

  test("a schema nested without end is refused, not walked", () => {
    let deep: JsonObject = { type: "string" };
    for (let i = 0; i < 150; i += 1) deep = { type: "object", properties: { d: deep } };
    expect(causes(new KindTrial(DEFINITION).create(schema({ deep })))[0]).toMatch(
      /must not be nested deeper than 100 levels$/,
    );
  });

  test("scope and kind are immutable, and a stored version may not vanish (VER-06)", () => {
    const trial = new KindTrial(DEFINITION);
    const old = accepted(trial.create(good));
    const cluster = withFieldAt(old, ["spec", "scope"], "Cluster");
    expect(causes(trial.update(cluster, old))).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
    ]);
    const gone = withFieldAt(old, ["spec", "versions"], [version({})]);
    expect(causes(trial.update(gone, old))).toEqual([
      expect.stringMatching(
        /^status\.storedVersions\[0\]: Invalid value: "v1beta1": missing from spec\.versions/,
      ),
    ]);
  });

  test("rules that are not evaluated are announced", () => {
    const trial = new KindTrial(DEFINITION);
    accepted(
      trial.create(
        schema({ a: { type: "string", "x-kubernetes-validations": [{ rule: "self != ''" }] } }),
      ),
    );
    expect(trial.warnings).toEqual([
      "x-kubernetes-validations are stored but not evaluated by this server",
    ]);
  });
});

import { describe, expect, test } from "vitest";
import { type JsonObject, objectAt, withFieldAt } from "../../object/json.ts";
import { EVENT, NEW_EVENT } from "../event/event-kinds.ts";
import type { Kind } from "../kind.ts";
import { accepted, causes, KindTrial } from "../kind-trial.ts";
import { CONFIG_MAP } from "./config-map-kind.ts";
import { LEASE } from "./lease-kind.ts";
import { NAMESPACE } from "./namespace-kind.ts";
import { SECRET } from "./secret-kind.ts";
import { SERVICE_ACCOUNT } from "./service-account-kind.ts";

const META = { metadata: { name: "x", namespace: "shop" } };

test.each<[string, Kind, JsonObject, JsonObject]>([
  [
    "a namespace is active and labelled",
    NAMESPACE,
    { metadata: { name: "shop" } },
    {
      metadata: { labels: { "kubernetes.io/metadata.name": "shop" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    },
  ],
  [
    "stringData becomes data",
    SECRET,
    { stringData: { a: "b" }, data: { c: "ZA==" } },
    { data: { a: "Yg==", c: "ZA==" }, type: "Opaque" },
  ],
  [
    "a lease keeps zeros",
    LEASE,
    { spec: { leaseTransitions: 0, holderIdentity: "" } },
    { spec: { leaseTransitions: 0, holderIdentity: "" } },
  ],
  [
    "an account keeps false",
    SERVICE_ACCOUNT,
    { automountServiceAccountToken: false },
    { automountServiceAccountToken: false },
  ],
  [
    "a core event has its null fields",
    EVENT,
    { involvedObject: { namespace: "shop", name: "w" }, reason: "R" },
    {
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: "",
      reportingInstance: "",
    },
  ],
])("%s", (_name, kind, body, want) => {
  expect(accepted(new KindTrial(kind).create({ ...META, ...body }))).toMatchObject(want);
});

test.each<[string, Kind, JsonObject, string]>([
  [
    "a bad namespace name",
    NAMESPACE,
    { metadata: { name: "Bad_Name" } },
    expect.stringMatching(
      /^metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 label must/,
    ),
  ],
  [
    "a namespace in a namespace",
    NAMESPACE,
    { metadata: { name: "a", namespace: "b" } },
    "metadata.namespace: Forbidden: not allowed on this type",
  ],
  [
    "a ConfigMap over 1 MiB",
    CONFIG_MAP,
    { data: { a: "x".repeat(1_100 * 1024) } },
    "[]: Too long: may not be more than 1048576 bytes",
  ],
  [
    "a key in data and binaryData",
    CONFIG_MAP,
    { data: { a: "1" }, binaryData: { a: "MQ==" } },
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
  ],
  [
    "a bad key",
    CONFIG_MAP,
    { data: { "a/b": "1" } },
    expect.stringMatching(/^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist/),
  ],
  [
    "a Secret over 1 MiB",
    SECRET,
    { stringData: { a: "x".repeat(1_100 * 1024) } },
    "data: Too long: may not be more than 1048576 bytes",
  ],
  [
    "data that is not base64",
    SECRET,
    { data: { a: "no base64!" } },
    'data[a]: Invalid value: "<base64>": must be base64',
  ],
  [
    "a TLS secret without its key",
    SECRET,
    { type: "kubernetes.io/tls", stringData: { "tls.crt": "x" } },
    "data[tls.key]: Required value",
  ],
  [
    "a lease of no time",
    LEASE,
    { spec: { leaseDurationSeconds: -1 } },
    "spec.leaseDurationSeconds: Invalid value: -1: must be greater than 0",
  ],
  [
    "an event about elsewhere",
    EVENT,
    { involvedObject: { namespace: "other" } },
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ],
])("refuses %s", (_name, kind, body, want) => {
  expect(causes(new KindTrial(kind).create({ ...META, ...body }))).toEqual([want]);
});

describe("immutability", () => {
  test.each([
    [
      CONFIG_MAP,
      { data: { a: "1" } },
      ["data", "a"],
      "2",
      "data: Forbidden: field is immutable when `immutable` is set",
    ],
    [
      SECRET,
      { data: { a: "MQ==" } },
      ["data", "a"],
      "Mg==",
      "data: Forbidden: field is immutable when `immutable` is set",
    ],
    [
      CONFIG_MAP,
      { data: { a: "1" } },
      ["immutable"],
      false,
      "immutable: Forbidden: field is immutable when `immutable` is set",
    ],
  ] as const)("$kind: %j", (kind, data, path, value, want) => {
    const trial = new KindTrial(kind);
    const old = accepted(trial.create({ ...META, ...data, immutable: true }));
    expect(causes(trial.update(withFieldAt(old, path, value), old))).toEqual([want]);
    accepted(trial.update(withFieldAt(old, ["metadata", "labels"], { a: "b" }), old));
  });

  test("a Secret keeps its type", () => {
    const trial = new KindTrial(SECRET);
    const old = accepted(trial.create({ ...META }));
    expect(causes(trial.update({ ...old, type: "other" }, old))).toEqual([
      'type: Invalid value: "other": field is immutable',
    ]);
  });

  test("only the finalize subresource takes a namespace's finalizer", () => {
    const trial = new KindTrial(NAMESPACE);
    const old = accepted(trial.create({ metadata: { name: "shop" } }));
    expect(accepted(trial.update({ ...old, spec: {} }, old))).toEqual(old);
  });
});

describe("metadata", () => {
  const trial = new KindTrial(CONFIG_MAP);
  const old = accepted(trial.create({ ...META, data: { a: "1" } }));
  const meta = (fields: JsonObject): JsonObject => ({
    ...old,
    metadata: { ...objectAt(old, ["metadata"]), ...fields },
  });

  test("generateName makes a name with five safe characters", () => {
    const made = accepted(
      trial.create({ metadata: { name: "", generateName: "gen-", namespace: "shop" } }),
    );
    expect(made).toMatchObject({
      metadata: { name: expect.stringMatching(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/) },
    });
  });

  test.each<[string, JsonObject, string]>([
    ["the uid", { uid: "other" }, 'metadata.uid: Invalid value: "other": field is immutable'],
    [
      "a bad label key",
      { labels: { "a b": "c" } },
      expect.stringMatching(/^metadata\.labels: Invalid value: "a b": name part must consist/),
    ],
    [
      "a bad label value",
      { labels: { a: "-" } },
      expect.stringMatching(/^metadata\.labels: Invalid value: "-": a valid label must be/),
    ],
    [
      "big annotations",
      { annotations: { a: "x".repeat(262_145) } },
      "metadata.annotations: Too long: may not be more than 262144 bytes",
    ],
    [
      "an owner without kind",
      { ownerReferences: [{ apiVersion: "v1", name: "a", uid: "u" }] },
      'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    ],
  ])("an update is refused for %s", (_name, fields, want) => {
    expect(causes(trial.update(meta(fields), old))).toEqual([want]);
  });

  test("server-owned fields of a client are ignored", () => {
    const next = meta({
      creationTimestamp: "2000-01-01T00:00:00Z",
      generation: 99,
      deletionTimestamp: "2000-01-01T00:00:00Z",
    });
    expect(accepted(trial.update(next, old))).toEqual(old);
  });

  test("a terminating object takes no new finalizer but gives up old ones", () => {
    const terminating = meta({
      deletionTimestamp: "2026-11-22T00:00:00Z",
      deletionGracePeriodSeconds: 0,
      finalizers: ["example.com/hold"],
    });
    const more = withFieldAt(
      terminating,
      ["metadata", "finalizers"],
      ["example.com/hold", "example.com/more"],
    );
    const refused = trial.update(more, terminating);
    expect(refused).toMatchObject({
      ok: false,
      error: {
        message:
          'ConfigMap "x" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}',
      },
    });
    const less = withFieldAt(terminating, ["metadata", "finalizers"], undefined);
    expect(accepted(trial.update(less, terminating))).toMatchObject({
      metadata: { deletionGracePeriodSeconds: 0 },
    });
  });
});

test("both event groups show one stored object", () => {
  const trial = new KindTrial(NEW_EVENT);
  const stored = accepted(
    trial.create({
      ...META,
      apiVersion: "events.k8s.io/v1",
      eventTime: "2026-11-22T00:00:00.000000Z",
      reportingController: "isthmus.dev/controllers",
      regarding: { kind: "ServiceExport", namespace: "shop", name: "web" },
      note: "n",
    }),
  );
  expect(stored).toMatchObject({
    apiVersion: "v1",
    involvedObject: { name: "web" },
    message: "n",
    reportingComponent: "isthmus.dev/controllers",
  });
  expect(trial.version.fromStorage(stored)).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    regarding: { name: "web" },
    note: "n",
    deprecatedSource: {},
    deprecatedFirstTimestamp: null,
  });
  expect(NEW_EVENT.storage).toEqual(EVENT.storage);
});

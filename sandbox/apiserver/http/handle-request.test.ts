import { beforeEach, describe, expect, test } from "vitest";
import { aConfigMap, CONFIG_MAPS, TestCore } from "../testing/test-core.ts";

const MERGE = { headers: { "content-type": "application/merge-patch+json" } };
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

let world: TestCore;
beforeEach(() => {
  world = new TestCore();
});

describe("paths and methods", () => {
  test.each([
    ["GET", "/nope", 404],
    ["GET", "/api/v1/nopes", 404],
    ["GET", "/apis/nope.io/v1/things", 404],
    ["GET", "/api/v1/namespaces/default/configmaps/a/status", 404],
    ["GET", "/api/v1/namespaces/default/namespaces/a/status/x", 404],
    ["GET", "/api/v1/configmaps/a", 404],
    ["POST", "/api/v1/namespaces/default/services/kubernetes", 405],
    ["PUT", "/api/v1/namespaces/default/services", 405],
    ["DELETE", "/api/v1/namespaces", 405],
    ["POST", "/api/v1/configmaps", 400],
    ["OPTIONS", "/api/v1/namespaces", 405],
    ["GET", "/apis/apps", 200],
    ["GET", "/api/", 200],
    ["GET", "/openapi/v2", 200],
    ["GET", "/openapi/v3/api/v1", 200],
    ["GET", "/openapi/v3/apis/nope", 404],
  ])("%s %s is %i", (method, path, status) => {
    expect(world.ask(method, path, method === "POST" ? aConfigMap("a") : undefined).status).toBe(
      status,
    );
  });
});

describe("writes", () => {
  test("a change that changes nothing keeps the resourceVersion (I9)", () => {
    world.ask("POST", CONFIG_MAPS, aConfigMap("a"));
    const { revision } = world.core.state.store;
    world.ask("PATCH", `${CONFIG_MAPS}/a`, { data: { a: "1" } }, MERGE);
    world.ask("PUT", `${CONFIG_MAPS}/a`, aConfigMap("a"));
    expect(world.core.state.store.revision).toBe(revision);
  });

  test("a dry run answers and leaves nothing, not even an address", () => {
    const service = { spec: { ports: [{ port: 80 }] }, metadata: { name: "dry" } };
    const path = "/api/v1/namespaces/default/services";
    const { revision } = world.core.state.store;
    expect(world.ask("POST", `${path}?dryRun=All`, service).status).toBe(201);
    expect(world.core.state.store.revision).toBe(revision);
    expect(world.ask("POST", `${path}?dryRun=Some`, service).status).toBe(422);
  });

  test.each([
    ["uid", { uid: "other" }],
    ["resourceVersion", { resourceVersion: "1" }],
  ])("a deletion's precondition on %s is obeyed", (_, preconditions) => {
    world.ask("POST", CONFIG_MAPS, aConfigMap("a"));
    expect(world.ask("DELETE", `${CONFIG_MAPS}/a`, { preconditions }).status).toBe(409);
    expect(world.ask("GET", `${CONFIG_MAPS}/a`).status).toBe(200);
  });

  test("the manager is named by the parameter, else by the user agent", () => {
    const agent = { headers: { "user-agent": "tool/1.2 (linux)" } };
    expect(world.ask("POST", CONFIG_MAPS, aConfigMap("a"), agent).body).toMatchObject({
      metadata: { managedFields: [{ manager: "tool" }] },
    });
    const named = `${CONFIG_MAPS}?fieldManager=me`;
    expect(world.ask("POST", named, aConfigMap("b"), agent).body).toMatchObject({
      metadata: { managedFields: [{ manager: "me" }] },
    });
  });

  test("a finalizer holds an object; taking it off lets it go", () => {
    world.ask("POST", CONFIG_MAPS, aConfigMap("a", { finalizers: ["example.com/hold"] }));
    const marked = world.ask("DELETE", `${CONFIG_MAPS}/a`);
    expect(marked.body).toMatchObject({
      kind: "ConfigMap",
      metadata: { deletionGracePeriodSeconds: 0 },
    });
    world.ask("PATCH", `${CONFIG_MAPS}/a`, { metadata: { finalizers: null } }, MERGE);
    expect(world.ask("GET", `${CONFIG_MAPS}/a`).status).toBe(404);
  });
});

test("one Event is seen through both of its groups", () => {
  const event = {
    metadata: { name: "e" },
    involvedObject: { kind: "Service", namespace: "default", name: "kubernetes" },
    reason: "R",
    message: "m",
    type: "Normal",
  };
  expect(world.ask("POST", "/api/v1/namespaces/default/events", event).status).toBe(201);
  const newer = world.ask("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e");
  expect(newer.body).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    note: "m",
    regarding: { kind: "Service" },
  });
  const selected = "/api/v1/events?fieldSelector=involvedObject.kind%3DService,type%3DNormal";
  expect(world.ask("GET", selected).body).toMatchObject({ items: [{ metadata: { name: "e" } }] });
});

test("the scale of a Deployment is read, replaced and patched", () => {
  const template = {
    metadata: { labels: { a: "b" } },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
  const spec = { replicas: 2, selector: { matchLabels: { a: "b" } }, template };
  expect(world.ask("POST", DEPLOYMENTS, { metadata: { name: "d" }, spec }).status).toBe(201);
  const scale = world.ask("GET", `${DEPLOYMENTS}/d/scale`);
  expect(scale.body).toMatchObject({ kind: "Scale", spec: { replicas: 2 } });
  world.ask("PATCH", `${DEPLOYMENTS}/d/scale`, { spec: { replicas: 3 } }, MERGE);
  expect(world.ask("GET", `${DEPLOYMENTS}/d`).body).toMatchObject({ spec: { replicas: 3 } });
  expect(world.ask("PUT", `${DEPLOYMENTS}/d/scale`, scale.body).status).toBe(409);
});

test("a definition's kind is served until the definition goes, and goes with its objects", () => {
  const things = "/apis/example.com/v1/namespaces/default/things";
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  expect(world.ask("GET", things).status).toBe(404);
  expect(world.ask("POST", definitions, THINGS).status).toBe(201);
  world.settle();
  expect(world.ask("GET", "/apis/example.com/v1").body).toMatchObject({
    resources: [{ name: "things" }],
  });
  const held = { metadata: { name: "t", finalizers: ["example.com/hold"] }, kind: "Thing" };
  const body = { apiVersion: "example.com/v1", ...held };
  expect(world.ask("POST", things, body).status).toBe(201);
  world.ask("DELETE", `${definitions}/things.example.com`);
  world.settle();
  expect(world.ask("GET", `${definitions}/things.example.com`).status).toBe(200);
  world.ask("PATCH", `${things}/t`, { metadata: { finalizers: null } }, MERGE);
  world.settle();
  expect(world.ask("GET", `${definitions}/things.example.com`).status).toBe(404);
  expect(world.ask("GET", things).status).toBe(404);
});

const THINGS = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object" } },
      },
    ],
  },
};

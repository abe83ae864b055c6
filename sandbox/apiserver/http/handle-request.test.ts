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

describe("a server that starts again above its earlier life", () => {
  test("tells watches and pages of its earlier life to list again", () => {
    world.ask("POST", CONFIG_MAPS, aConfigMap("a"));
    world.ask("POST", CONFIG_MAPS, aConfigMap("b"));
    const page = world.ask("GET", `${CONFIG_MAPS}?limit=1`).body;
    const { resourceVersion, continue: next } = Object(page).metadata;
    const later = new TestCore({ firstRevision: Number(resourceVersion) + 1_000 });
    for (const name of ["a", "b", "c"]) later.ask("POST", CONFIG_MAPS, aConfigMap(name));
    const [first] = later.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${resourceVersion}`).events;
    expect(first).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
    const token = encodeURIComponent(String(next));
    expect(later.ask("GET", `${CONFIG_MAPS}?limit=1&continue=${token}`).status).toBe(410);
    const exact = `resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`;
    expect(later.ask("GET", `${CONFIG_MAPS}?${exact}`).status).toBe(410);
  });
});

describe("subresources of pods", () => {
  const PODS = "/api/v1/namespaces/default/pods";
  const pod = (name: string) => ({
    metadata: { name },
    spec: { containers: [{ name: "c", image: "x" }] },
  });
  beforeEach(() => {
    world.ask("POST", PODS, pod("p"));
  });

  test.each([
    ["GET", "log", "have no containers"],
    ["POST", "exec", "have no containers"],
    ["GET", "exec", "have no containers"],
    ["POST", "attach", "have no containers"],
    ["PATCH", "ephemeralcontainers", "have no containers"],
    ["POST", "portforward", "SOCKS5"],
    ["POST", "binding", "bound by the sandbox's node"],
  ])("%s %s says that it is not served, and why", (method, subresource, why) => {
    const answer = world.ask(method, `${PODS}/p/${subresource}`);
    expect(answer).toMatchObject({ status: 501, body: { kind: "Status", code: 501 } });
    expect(Object(answer.body).message).toContain(`pods "p": ${subresource} is not served: `);
    expect(Object(answer.body).message).toContain(why);
    expect(world.ask(method, `${PODS}/none/${subresource}`)).toMatchObject({
      status: 404,
      body: { message: 'pods "none" not found' },
    });
  });

  test("an eviction deletes, unless it is a dry run or for another pod", () => {
    const evict = (name: string, query = "", more: object = {}) =>
      world.ask("POST", `${PODS}/p/eviction${query}`, {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name },
        ...more,
      }).status;
    expect(evict("q")).toBe(400);
    expect(evict("p", "?dryRun=All")).toBe(201);
    expect(evict("p", "", { deleteOptions: { dryRun: ["All"] } })).toBe(201);
    expect(evict("p", "", { deleteOptions: { preconditions: { uid: "other" } } })).toBe(409);
    expect(world.ask("GET", `${PODS}/p`).status).toBe(200);
    expect(evict("p")).toBe(201);
    expect(world.ask("GET", `${PODS}/p`).status).toBe(404);
    expect(evict("p")).toBe(404);
    expect(world.ask("GET", `${PODS}/p/eviction`).status).toBe(405);
  });
});

test("an object more than the server holds is refused; changes and deletions go on (I12)", () => {
  const small = new TestCore({ objectLimit: 6 });
  expect(small.ask("POST", CONFIG_MAPS, aConfigMap("a")).status).toBe(201);
  expect(small.ask("POST", CONFIG_MAPS, aConfigMap("b"))).toMatchObject({
    status: 507,
    body: {
      reason: "InsufficientStorage",
      message: 'cannot store configmaps "b": the server holds at most 6 objects: delete some first',
    },
  });
  expect(small.ask("PATCH", `${CONFIG_MAPS}/a`, { data: { b: "1" } }, MERGE).status).toBe(200);
  expect(small.ask("DELETE", `${CONFIG_MAPS}/a`).status).toBe(200);
  expect(small.ask("POST", CONFIG_MAPS, aConfigMap("b")).status).toBe(201);
});

test.each([
  ["PUT", { spec: { replicas: -1 } }, 422, 'Scale.autoscaling "d" is invalid: spec.replicas: '],
  ["PUT", { spec: { replicas: "x" } }, 400, 'Scale in version "v1" cannot be handled as a Scale: '],
  ["PATCH", { spec: { replicas: "x" } }, 422, ' "" is invalid: patch: Invalid value: '],
  ["PATCH", { spec: { replicas: 1.5 } }, 422, ' "" is invalid: patch: Invalid value: '],
])("%s of a scale with %j is %i", (method, body, status, message) => {
  const labels = { app: "d" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "x" }] } };
  const spec = { selector: { matchLabels: labels }, template };
  world.ask("POST", DEPLOYMENTS, { metadata: { name: "d" }, spec });
  const answer = world.ask(method, `${DEPLOYMENTS}/d/scale`, body, method === "PATCH" ? MERGE : {});
  expect(answer.status).toBe(status);
  expect(Object(answer.body).message).toContain(message);
  expect(world.ask("GET", `${DEPLOYMENTS}/d/scale`)).toMatchObject({
    body: { spec: { replicas: 1 } },
  });
});

test("half a body is told as such", () => {
  const answer = world.ask("POST", CONFIG_MAPS, undefined, { body: Buffer.from("{") });
  expect(Object(answer.body).message).toContain("json parse error: unexpected end of JSON input");
});

describe("writes", () => {
  test("a change that changes nothing keeps the resourceVersion (I9)", () => {
    world.ask("POST", CONFIG_MAPS, aConfigMap("a"));
    const { revision } = world.core.state.store;
    world.ask("PATCH", `${CONFIG_MAPS}/a`, { data: { a: "1" } }, MERGE);
    world.ask("PUT", `${CONFIG_MAPS}/a`, aConfigMap("a"));
    expect(world.core.state.store.revision).toBe(revision);
  });

  test.each([
    ["merge-patch", { spec: { ports: "x" } }, '"{\\"spec\\":{\\"ports\\":\\"x\\"}}"'],
    ["strategic-merge-patch", { spec: { ports: "x" } }, '"map[spec:map[ports:x]]"'],
    [
      "json-patch",
      [{ op: "replace", path: "/spec/ports", value: "x" }],
      '"[{\\"op\\":\\"replace\\",\\"path\\":\\"/spec/ports\\",\\"value\\":\\"x\\"}]"',
    ],
  ])(
    "a %s to a wrong type is invalid: `kubectl edit` opens the editor again",
    (type, patch, shown) => {
      const path = "/api/v1/namespaces/default/services/kubernetes";
      const headers = { "content-type": `application/${type}+json` };
      expect(world.ask("PATCH", path, patch, { headers })).toMatchObject({
        status: 422,
        body: {
          reason: "Invalid",
          message: ` "" is invalid: patch: Invalid value: ${shown}: json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort`,
          details: { causes: [{ reason: "FieldValueInvalid", field: "patch" }] },
        },
      });
    },
  );

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

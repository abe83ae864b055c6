import { fileURLToPath } from "node:url";
import {
  ApiException,
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Namespace,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCrdManifests } from "../../runtime/kube/crds/read-crd-manifests.ts";
import { eventually } from "../eventually.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";

/** The generated client, its watch and its informer, as any Node program uses them, against the embedded API server. */
const MCS = {
  group: "multicluster.x-k8s.io",
  version: "v1beta1",
  plural: "serviceexports",
} as const;
const CRDS = fileURLToPath(new URL("../../api/crds", import.meta.url));

let server: TestApiServer;
let config: KubeConfig;
let core: CoreV1Api;

beforeAll(async () => {
  server = await startApiServer();
  config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name: "shop" } } });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function service(name: string): { metadata: { name: string }; spec: object } {
  return { metadata: { name }, spec: { ports: [{ name: "http", port: 80 }] } };
}

describe("CoreV1Api", () => {
  test("creates, reads, lists, replaces, patches and deletes a Service", async () => {
    const created = await core.createNamespacedService({ namespace: "shop", body: service("web") });
    expect(created.spec?.clusterIP).toMatch(/^10\.101\./);
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const listed = await core.listNamespacedService({ namespace: "shop" });
    expect(listed.items.map((item) => item.metadata?.name)).toEqual(["web"]);

    const changed = await core.readNamespacedService({ namespace: "shop", name: "web" });
    if (changed.metadata !== undefined) changed.metadata.labels = { tier: "gold" };
    const replaced = await core.replaceNamespacedService({
      namespace: "shop",
      name: "web",
      body: changed,
    });
    expect(replaced.metadata?.labels).toEqual({ tier: "gold" });
    await expect(
      core.replaceNamespacedService({ namespace: "shop", name: "web", body: created }),
    ).rejects.toMatchObject({ code: 409 });

    for (const [strategy, body] of [
      [PatchStrategy.MergePatch, { metadata: { labels: { tier: "silver" } } }],
      [PatchStrategy.StrategicMergePatch, { spec: { ports: [{ name: "admin", port: 81 }] } }],
      [PatchStrategy.JsonPatch, [{ op: "replace", path: "/spec/ports/0/port", value: 8080 }]],
    ] as const) {
      await core.patchNamespacedService(
        { namespace: "shop", name: "web", body },
        setHeaderOptions("Content-Type", strategy),
      );
    }
    const patched = await core.readNamespacedService({ namespace: "shop", name: "web" });
    expect(patched.metadata?.labels).toEqual({ tier: "silver" });
    expect(patched.spec?.ports?.map(({ port }) => port).toSorted()).toEqual([80, 8080]);

    await core.deleteNamespacedService({ namespace: "shop", name: "web" });
    await expect(
      core.readNamespacedService({ namespace: "shop", name: "web" }),
    ).rejects.toMatchObject({
      code: 404,
    });
  });

  test("gets a Status it can read for what is invalid", async () => {
    const refused = core.createNamespacedService({
      namespace: "shop",
      body: { metadata: { name: "bad" }, spec: { ports: [{ port: 80 }, { port: 81 }] } },
    });
    const error: unknown = await refused.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiException);
    expect(error).toMatchObject({ code: 422 });
    expect(String(error)).toContain("spec.ports[0].name: Required value");
  });

  test("applies server-side", async () => {
    const applied = await core.patchNamespacedConfigMap(
      {
        namespace: "shop",
        name: "settings",
        fieldManager: "test",
        body: {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "settings", namespace: "shop" },
          data: { a: "1" },
        },
      },
      setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply),
    );
    expect(applied.metadata?.managedFields?.[0]).toMatchObject({
      manager: "test",
      operation: "Apply",
    });
  });
});

test("DiscoveryV1Api writes slices; loopback endpoints are refused as a real server does", async () => {
  const discovery = config.makeApiClient(DiscoveryV1Api);
  const slice = (name: string, address: string) => ({
    metadata: { name, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  });
  const created = await discovery.createNamespacedEndpointSlice({
    namespace: "shop",
    body: slice("web-1", "10.1.0.1"),
  });
  expect(created.endpoints?.[0]?.addresses).toEqual(["10.1.0.1"]);
  await expect(
    discovery.createNamespacedEndpointSlice({
      namespace: "shop",
      body: slice("web-2", "127.0.0.1"),
    }),
  ).rejects.toMatchObject({ code: 422 });
});

test("custom resources: definitions, objects, status, and discovery through KubernetesObjectApi", async () => {
  const extensions = config.makeApiClient(ApiextensionsV1Api);
  const manifests = readCrdManifests(CRDS);
  for (const manifest of manifests) {
    await extensions.createCustomResourceDefinition({ body: manifest as never });
  }
  await eventually("the definitions to be established", async () => {
    const { items } = await extensions.listCustomResourceDefinition();
    const established = items.filter((item) =>
      item.status?.conditions?.some(
        ({ type, status }) => type === "Established" && status === "True",
      ),
    );
    return established.length === manifests.length ? true : undefined;
  });
  const custom = config.makeApiClient(CustomObjectsApi);
  const body = {
    apiVersion: `${MCS.group}/${MCS.version}`,
    kind: "ServiceExport",
    metadata: { name: "web" },
  };
  await custom.createNamespacedCustomObject({ ...MCS, namespace: "shop", body });
  const condition = {
    type: "Valid",
    status: "True",
    reason: "Valid",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  await custom.patchNamespacedCustomObjectStatus(
    { ...MCS, namespace: "shop", name: "web", body: { status: { conditions: [condition] } } },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  const old: unknown = await custom.getNamespacedCustomObject({
    ...MCS,
    version: "v1alpha1",
    namespace: "shop",
    name: "web",
  });
  expect(old).toMatchObject({
    apiVersion: "multicluster.x-k8s.io/v1alpha1",
    status: { conditions: [condition] },
  });
  const generic = KubernetesObjectApi.makeApiClient(config);
  const found = await generic.read({ ...body, metadata: { name: "web", namespace: "shop" } });
  expect(found.metadata?.name).toBe("web");
});

test("Watch sees what happens, in order", async () => {
  const seen: string[] = [];
  const { metadata } = await core.listNamespacedConfigMap({ namespace: "shop" });
  const ended = Promise.withResolvers<void>();
  const controller = await new Watch(config).watch(
    "/api/v1/namespaces/shop/configmaps",
    { resourceVersion: metadata?.resourceVersion },
    (phase, object: { metadata?: { name?: string } }) =>
      seen.push(`${phase} ${object.metadata?.name}`),
    () => ended.resolve(),
  );
  const name = "watched";
  await core.createNamespacedConfigMap({ namespace: "shop", body: { metadata: { name } } });
  await core.patchNamespacedConfigMap(
    { namespace: "shop", name, body: { data: { a: "1" } } },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  await core.deleteNamespacedConfigMap({ namespace: "shop", name });
  await eventually("three events", () => (seen.length >= 3 ? true : undefined));
  expect(seen).toEqual([`ADDED ${name}`, `MODIFIED ${name}`, `DELETED ${name}`]);
  controller.abort();
  await ended.promise;
});

test("an informer follows namespaces", async () => {
  const informer = makeInformer<V1Namespace>(config, "/api/v1/namespaces", () =>
    core.listNamespace(),
  );
  const names = new Set<string>();
  informer.on("add", (object) => void names.add(object.metadata?.name ?? ""));
  informer.on("delete", (object) => void names.delete(object.metadata?.name ?? ""));
  informer.on("error", () => undefined);
  await informer.start();
  await eventually("the namespaces there are", () =>
    names.has("default") && names.has("shop") ? true : undefined,
  );
  await core.createNamespace({ body: { metadata: { name: "late" } } });
  await eventually("one that comes later", () => (names.has("late") ? true : undefined));
  await core.deleteNamespace({ name: "late" });
  await eventually("and that it goes", () => (names.has("late") ? undefined : true));
  await informer.stop();
});

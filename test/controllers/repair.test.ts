import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { derivedServiceName } from "../../controllers/import/derived-service/derived-service-name.ts";
import { sliceName } from "../../controllers/import/slices/derive-slices.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

const DERIVED = derivedServiceName("shop", "web");

const LEFT_ALONE = "service cannot be offered as it should be";

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.member("a");
  b = await world.member("b");
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

/** What users and consumers see of one service in one member. */
async function picture(member: TestCluster): Promise<unknown> {
  const found = await member.import();
  const derived = await member.derived();
  return {
    spec: found?.spec,
    status: {
      ...found?.status,
      conditions: found?.status?.conditions?.map(({ status }) => status),
    },
    labels: found?.metadata.labels,
    annotations: found?.metadata.annotations,
    derived: derived?.spec,
    derivedLabels: derived?.metadata.labels,
    backends: await member.backends(),
    slices: (await member.slices()).map(({ metadata, ports, endpoints }) => ({
      labels: metadata.labels,
      ports,
      endpoints,
    })),
  };
}

describe("manual edits are repaired, with the address kept (IMP-06, I5)", () => {
  const edits: readonly {
    readonly name: string;
    readonly edit: (member: TestCluster) => Promise<void>;
  }[] = [
    {
      name: "the import's ports and type",
      edit: (m) => m.patch(serviceImports(), "web", { spec: { ports: [], type: "Headless" } }),
    },
    {
      name: "the import's addresses",
      edit: (m) => m.patch(serviceImports(), "web", { spec: { ips: ["10.96.9.9"] } }),
    },
    {
      name: "the import's annotations",
      edit: (m) =>
        m.patch(serviceImports(), "web", {
          metadata: {
            annotations: {
              "multicluster.kubernetes.io/derived-service": "other",
              "isthmus.dev/exported-keys": "not json",
            },
          },
        }),
    },
    {
      name: "the import's annotations, and a label that an export might have left behind",
      edit: (m) =>
        m.patch(serviceImports(), "web", {
          metadata: {
            labels: { "example.com/left": "behind" },
            annotations: { "isthmus.dev/exported-keys": null },
          },
        }),
    },
    {
      name: "the import's whole spec",
      edit: (m) => m.patch(serviceImports(), "web", { spec: null }),
    },
    { name: "the import is deleted", edit: (m) => m.remove(serviceImports(), "web") },
    { name: "the derived Service is deleted", edit: (m) => m.remove(SERVICES, DERIVED) },
    {
      name: "the derived Service gets a selector, another type and other ports",
      edit: (m) =>
        m.patch(SERVICES, DERIVED, {
          spec: { selector: { app: "x" }, type: "NodePort", ports: [{ name: "x", port: 9 }] },
        }),
    },
    {
      name: "the derived Service loses its owner and affinity",
      edit: (m) =>
        m.patch(SERVICES, DERIVED, {
          metadata: { ownerReferences: null },
          spec: { sessionAffinity: "ClientIP" },
        }),
    },
    {
      name: "a slice is deleted",
      edit: async (m) => m.remove(ENDPOINT_SLICES, (await m.slices())[0]?.metadata.name ?? ""),
    },
    {
      name: "a slice is emptied",
      edit: async (m) =>
        m.patch(ENDPOINT_SLICES, (await m.slices())[0]?.metadata.name ?? "", {
          endpoints: [],
          ports: [],
        }),
    },
    {
      name: "a slice loses the label that names its import",
      edit: async (m) =>
        m.patch(ENDPOINT_SLICES, (await m.slices())[0]?.metadata.name ?? "", {
          metadata: { labels: { "multicluster.kubernetes.io/service-name": null } },
        }),
    },
    {
      name: "a slice is joined to the real Service",
      edit: async (m) =>
        m.patch(ENDPOINT_SLICES, (await m.slices())[0]?.metadata.name ?? "", {
          metadata: { labels: { "kubernetes.io/service-name": "web" } },
        }),
    },
    {
      name: "the status says that there are no slices (IMP-32)",
      edit: async (m) => {
        await m.admin.mergePatch(
          { resource: serviceImports(), namespace: "shop", name: "web" },
          { status: { endpointSliceObjects: "Absent" } },
          { signal: new AbortController().signal, subresource: "status" },
        );
      },
    },
    {
      name: "the status of the import is wiped",
      edit: async (m) => {
        const found = await m.import();
        if (found === undefined) throw new Error("no import");
        const emptied = { ...found, status: {} };
        await m.admin.update(serviceImports(), emptied, {
          signal: new AbortController().signal,
          subresource: "status",
        });
      },
    },
  ];

  test.each(edits)("$name", async ({ edit }) => {
    await a.exported();
    await world.settle();
    const before = await picture(b);
    await edit(b);
    await world.settle();
    expect(await picture(b)).toEqual(before);
  });

  test("other people's labels, annotations and conditions on our import stay (I3)", async () => {
    await a.exported();
    await world.settle();
    await b.patch(serviceImports(), "web", {
      metadata: { labels: { team: "x" }, annotations: { note: "y" } },
    });
    await a.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 81 }] } });
    await world.settle();
    expect((await b.import())?.metadata).toMatchObject({
      labels: { team: "x" },
      annotations: { note: "y" },
    });
  });

  test("another controller's condition on our export stays, wherever it stands in the list (EXP-23)", async () => {
    await a.exported();
    await world.settle();
    const found = await a.find<KubeObject & { status: { conditions: readonly object[] } }>(
      serviceExports(),
      "web",
    );
    const foreign = {
      type: "Audited",
      status: "True",
      reason: "Done",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const conditions = [foreign, ...(found?.status.conditions ?? [])];
    await a.admin.mergePatch(
      { resource: serviceExports(), namespace: "shop", name: "web" },
      { status: { conditions } },
      { signal: new AbortController().signal, subresource: "status" },
    );
    a.clearWrites();
    await world.settle();
    expect(a.writes).toEqual([]);
    expect(await a.conditions()).toMatchObject({ Audited: "True/Done", Ready: "True/Exported" });
  });
});

describe("objects that are not ours (I3)", () => {
  test("a hand-made import is left alone, reported, and taken over when it goes (IMP-06)", async () => {
    const resource = serviceImports();
    await b.create(resource, {
      apiVersion: "multicluster.x-k8s.io/v1beta1",
      kind: "ServiceImport",
      metadata: { namespace: "shop", name: "web" },
      spec: { type: "ClusterSetIP", ports: [], ips: ["10.96.1.1"] },
    });
    const before = await b.import();
    await b.exported();
    await world.settle();
    expect(await b.import()).toEqual(before);
    expect(await b.derived()).toBeUndefined();
    expect(b.log.messages).toEqual([LEFT_ALONE]);
    expect(await b.events()).toEqual(["Warning Impaired ServiceExport/web"]);
    await b.remove(resource, "web");
    await world.settle();
    expect((await b.import())?.spec.ips).toHaveLength(1);
  });

  test("a Service with the derived name is left alone, and the import says why it has no address (VIP-11, IMP-27)", async () => {
    await b.service({}, DERIVED);
    const before = await b.derived();
    await a.exported();
    await world.settle();
    expect(await b.derived()).toEqual(before);
    expect(await b.import()).toMatchObject({
      status: {
        conditions: [
          {
            type: "Ready",
            status: "False",
            reason: "Pending",
            message: expect.stringContaining(DERIVED),
          },
        ],
      },
    });
    expect((await b.import())?.spec.ips ?? []).toEqual([]);
    expect(b.log.messages).toEqual([LEFT_ALONE]);
    await a.unexport();
    await world.settle();
    expect(await b.derived()).toEqual(before);
    expect(await b.import()).toBeUndefined();
    // Whoever waits for the name gets it when it is free.
    await a.export();
    await world.settle();
    await b.remove(SERVICES, DERIVED);
    await world.settle();
    expect((await b.import())?.spec.ips).toHaveLength(1);
  });

  test("a slice with the name of ours is left alone and reported; the rest works", async () => {
    const name = sliceName("web", a.id, "web-1");
    await b.slice(name, ["10.98.7.7"], {
      metadata: { namespace: "shop", name, labels: { "kubernetes.io/service-name": "other" } },
    });
    const before = await b.find(ENDPOINT_SLICES, name);
    await a.exported();
    await a.slice("web-2", ["10.97.0.2"]);
    await world.settle();
    expect(await b.find(ENDPOINT_SLICES, name)).toEqual(before);
    expect(await b.backends()).toEqual({ a: ["10.97.0.2"] });
    expect((await b.import())?.spec.ips).toHaveLength(1);
    expect(b.log.messages).toEqual([LEFT_ALONE]);
    // IMP-28: not all that DNS and proxies need is there.
    expect((await b.import())?.status?.conditions).toMatchObject([
      { type: "Ready", status: "False", message: expect.stringContaining(name) },
    ]);
    await b.remove(ENDPOINT_SLICES, name);
    await world.settle();
    expect((await b.import())?.status?.conditions).toMatchObject([{ status: "True" }]);
  });

  test("slices that only claim to belong to our import are not touched (SEC-03)", async () => {
    await a.exported();
    await world.settle();
    await b.slice("forged", ["10.98.7.7"], {
      metadata: {
        namespace: "shop",
        name: "forged",
        labels: { "multicluster.kubernetes.io/service-name": "web" },
      },
    });
    await world.settle();
    await a.unexport();
    await world.settle();
    expect(await b.find(ENDPOINT_SLICES, "forged")).toBeDefined();
  });
});

describe("a finalizer keeps objects of ours (section 17.12)", () => {
  test("an import being deleted is not recreated before it is gone, then it is", async () => {
    await a.exported();
    await world.settle();
    await b.patch(serviceImports(), "web", { metadata: { finalizers: ["example.com/held"] } });
    await b.remove(serviceImports(), "web");
    await world.settle();
    await a.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 81 }] } });
    await world.settle();
    expect((await b.import())?.spec.ports).toMatchObject([{ port: 81 }]);
    await b.patch(serviceImports(), "web", { metadata: { finalizers: null } });
    await world.settle();
    const after = await b.import();
    expect(after?.metadata.deletionTimestamp).toBeUndefined();
    expect((await b.derived())?.metadata.ownerReferences).toMatchObject([
      { uid: after?.metadata.uid },
    ]);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("an export being deleted is withdrawn at once (EXP-09)", async () => {
    await a.exported();
    await world.settle();
    await a.patch(serviceExports(), "web", { metadata: { finalizers: ["example.com/held"] } });
    await a.unexport();
    await world.settle();
    expect(await b.import()).toBeUndefined();
    await a.patch(serviceExports(), "web", { metadata: { finalizers: null } });
  });
});

test("orphans without an owner are swept at the start (CLN-12)", async () => {
  await a.exported();
  await world.settle();
  b.stop();
  for (const slice of await b.slices()) {
    await b.patch(ENDPOINT_SLICES, slice.metadata.name, { metadata: { ownerReferences: null } });
  }
  await b.patch(SERVICES, DERIVED, { metadata: { ownerReferences: null } });
  await b.remove(serviceImports(), "web");
  await a.unexport();
  await world.settle();
  expect(await b.slices()).toHaveLength(1);
  b.start();
  await world.settle();
  expect(await b.slices()).toEqual([]);
  expect(await b.derived()).toBeUndefined();
});

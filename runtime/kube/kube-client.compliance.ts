import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CustomResourceDefinition } from "../../api/kube/custom-resource-definition.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../api/kube/custom-resource-definition.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { err, must, ok } from "../../api/result.ts";
import type { KubeClient, ObjectRef, WatchEvent } from "./kube-client.ts";
import type { KubeError } from "./kube-error.ts";

/** One adapter over one API server that the suite may write to: it makes and removes a namespace and a CRD. */
export interface KubeClientSubject {
  readonly client: KubeClient;
  /** Makes versions older than now Gone; absent where the suite cannot. */
  readonly expireHistory?: (namespace: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number };
  readonly status?: { readonly phase?: string };
}

const CONFIG_MAPS: Resource = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};

const WIDGETS: Resource = {
  group: "compliance.example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
};

const WIDGET_DEFINITION: CustomResourceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.compliance.example.com" },
  spec: {
    group: WIDGETS.group,
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        ...{ subresources: { status: {} } },
        schema: {
          openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    ],
  },
};

const { signal } = new AbortController();
const call = { signal };

/** The law for every KubeClient: the same suite runs over HTTP and in memory, over embedded and real servers. */
export function describeKubeClient(
  name: string,
  makeSubject: () => Promise<KubeClientSubject>,
): void {
  describe(`KubeClient: ${name}`, () => {
    let subject: KubeClientSubject;
    let client: KubeClient;
    let namespace: string;

    beforeAll(async () => {
      subject = await makeSubject();
      client = subject.client;
      const made = await client.create(
        NAMESPACES,
        { apiVersion: "v1", kind: "Namespace", metadata: { name: `kube-client-${process.pid}` } },
        call,
      );
      namespace = must(made).metadata.name;
    });
    afterAll(async () => {
      const definition = {
        resource: CUSTOM_RESOURCE_DEFINITIONS,
        name: "widgets.compliance.example.com",
      };
      await client.delete(definition, {}, call);
      await client.delete({ resource: NAMESPACES, name: namespace }, {}, call);
      await subject.stop();
    });

    const aMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace },
      data,
    });
    const mapRef = (name: string): ObjectRef => ({ resource: CONFIG_MAPS, namespace, name });
    const create = async (name: string, data: Record<string, string> = {}): Promise<ConfigMap> =>
      must(await client.create(CONFIG_MAPS, aMap(name, data), call));
    const currentVersion = async (): Promise<string> =>
      must(await client.list(CONFIG_MAPS, { namespace, limit: 1 }, call)).resourceVersion;

    test("what was created is read back; a second create already exists", async () => {
      const created = await create("read-back", { a: "1" });
      expect(created.metadata.uid).toMatch(/.+/);
      expect(await client.get(mapRef("read-back"), call)).toEqual(ok(created));
      expect(await client.create(CONFIG_MAPS, aMap("read-back"), call)).toMatchObject(
        err({ kind: "already-exists", status: 409 }),
      );
    });

    test("absence of an object, a namespace and a resource are told apart", async () => {
      expect(await client.get(mapRef("none"), call)).toMatchObject(err({ kind: "not-found" }));
      const homeless = { ...aMap("x"), metadata: { name: "x", namespace: "no-such-namespace" } };
      expect(await client.create(CONFIG_MAPS, homeless, call)).toMatchObject(
        err({ kind: "not-found" }),
      );
      const gadgets: Resource = { ...WIDGETS, group: "nowhere.example.com", plural: "gadgets" };
      for (const resource of [gadgets, { ...CONFIG_MAPS, plural: "gadgets" }]) {
        const ref = { resource, namespace, name: "x" };
        expect(await client.get(ref, call)).toMatchObject(err({ kind: "no-such-resource" }));
        expect(await client.list(resource, { namespace }, call)).toMatchObject(
          err({ kind: "no-such-resource" }),
        );
        expect((await ended(client, resource, "1")).end).toMatchObject({
          kind: "no-such-resource",
        });
      }
    });

    test("an object that breaks the schema is invalid", async () => {
      const bad = await client.create(CONFIG_MAPS, aMap("Not_A_Name"), call);
      expect(bad).toMatchObject(err({ kind: "invalid", status: 422 }));
    });

    test("update replaces, and refuses a stale version", async () => {
      const first = await create("replaced", { a: "1", b: "2" });
      const second = must(await client.update(CONFIG_MAPS, { ...first, data: { c: "3" } }, call));
      expect(second.data).toEqual({ c: "3" });
      expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
      expect(await client.update(CONFIG_MAPS, { ...first, data: {} }, call)).toMatchObject(
        err({ kind: "conflict", status: 409 }),
      );
    });

    test("merge patch sets, keeps and removes fields", async () => {
      await create("merged", { keep: "1", drop: "2" });
      const patch = { data: { drop: null, add: "3" } };
      const merged = must(await client.mergePatch<ConfigMap>(mapRef("merged"), patch, call));
      expect(merged.data).toEqual({ keep: "1", add: "3" });
      expect(await client.mergePatch(mapRef("none"), patch, call)).toMatchObject(
        err({ kind: "not-found" }),
      );
    });

    test("apply creates, owns its fields, drops what it no longer names, and keeps what others set", async () => {
      must(await client.apply(CONFIG_MAPS, aMap("applied", { a: "1", b: "2" }), call));
      must(await client.mergePatch(mapRef("applied"), { data: { theirs: "x" } }, call));
      const again = must(await client.apply(CONFIG_MAPS, aMap("applied", { a: "1" }), call));
      expect(again.data).toEqual({ a: "1", theirs: "x" });
    });

    test("apply of the same changes nothing, not even the version (I9)", async () => {
      const first = must(await client.apply(CONFIG_MAPS, aMap("steady", { a: "1" }), call));
      const second = must(await client.apply(CONFIG_MAPS, aMap("steady", { a: "1" }), call));
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    });

    test("apply takes fields over unless told not to", async () => {
      await create("contested", { a: "theirs" });
      const mine = aMap("contested", { a: "mine" });
      const polite = await client.apply(CONFIG_MAPS, mine, { ...call, force: false });
      expect(polite).toMatchObject(err({ kind: "conflict" }));
      expect(must(await client.apply(CONFIG_MAPS, mine, call)).data).toEqual({ a: "mine" });
    });

    test("delete obeys preconditions; what is not there is not found", async () => {
      const { metadata } = await create("deleted");
      const ref = mapRef("deleted");
      expect(
        await client.delete(ref, { uid: "11111111-2222-3333-4444-555555555555" }, call),
      ).toMatchObject(err({ kind: "conflict" }));
      expect(await client.delete(ref, { resourceVersion: "1" }, call)).toMatchObject(
        err({ kind: "conflict" }),
      );
      const { uid = "", resourceVersion = "" } = metadata;
      expect(await client.delete(ref, { uid, resourceVersion }, call)).toEqual(ok(undefined));
      expect(await client.delete(ref, {}, call)).toMatchObject(err({ kind: "not-found" }));
    });

    test("deleteCollection deletes what the selector chooses; that nothing is left is no error", async () => {
      const labelled = (name: string, part: string): ConfigMap => ({
        ...aMap(name),
        metadata: { name, namespace, labels: { part } },
      });
      for (const part of ["one", "two", "three"]) {
        must(await client.create(CONFIG_MAPS, labelled(`part-${part}`, part), call));
      }
      const query = { namespace, labelSelector: "part in (one,two)" };
      for (let times = 0; times < 2; times++) {
        expect(await client.deleteCollection(CONFIG_MAPS, query, call)).toEqual(ok(undefined));
      }
      const left = must(await client.list(CONFIG_MAPS, { namespace, labelSelector: "part" }, call));
      expect(left.items.map(({ metadata }) => metadata.name)).toEqual(["part-three"]);
    });

    test("pages make up one snapshot, whatever happens between them", async () => {
      const labelled = (name: string): ConfigMap => ({
        ...aMap(name),
        metadata: { name, namespace, labels: { paged: "yes" } },
      });
      for (const name of ["p1", "p2", "p3", "p4", "p5"]) {
        must(await client.create(CONFIG_MAPS, labelled(name), call));
      }
      const query = { namespace, labelSelector: "paged=yes", limit: 2 };
      const names: string[] = [];
      const versions = new Set<string>();
      let continueToken: string | undefined;
      do {
        const page = must(
          await client.list(
            CONFIG_MAPS,
            { ...query, ...(continueToken && { continueToken }) },
            call,
          ),
        );
        if (names.length === 0) {
          must(await client.create(CONFIG_MAPS, labelled("p0"), call));
          must(await client.delete(mapRef("p5"), {}, call));
        }
        expect(
          page.items.every(({ kind, apiVersion }) => kind === "ConfigMap" && apiVersion === "v1"),
        ).toBe(true);
        names.push(...page.items.map(({ metadata }) => metadata.name));
        versions.add(page.resourceVersion);
        continueToken = page.continueToken;
      } while (continueToken !== undefined);
      expect(names).toEqual(["p1", "p2", "p3", "p4", "p5"]);
      expect(versions.size).toBe(1);
    });

    test("a watch tells each change once, in order, and resumes where it was left", async () => {
      const resourceVersion = await currentVersion();
      const early = collect(client, namespace, resourceVersion, 2);
      await create("watched", { n: "1" });
      must(await client.mergePatch(mapRef("watched"), { data: { n: "2" } }, call));
      const [added, modified] = await early;
      expect([describeEvent(added), describeEvent(modified)]).toEqual(["added 1", "modified 2"]);
      must(await client.mergePatch(mapRef("watched"), { data: { n: "3" } }, call));
      must(await client.delete(mapRef("watched"), {}, call));
      const from =
        modified?.kind === "modified" ? modified.object.metadata.resourceVersion : undefined;
      const late = await collect(client, namespace, from ?? "", 2);
      expect(late.map(describeEvent)).toEqual(["modified 3", "deleted 3"]);
    });

    test("a watch ends cleanly after its timeout, and as aborted when given up", async () => {
      const resourceVersion = await currentVersion();
      expect((await ended(client, CONFIG_MAPS, resourceVersion, 1)).end).toBeUndefined();
      const stop = new AbortController();
      const givenUp = ended(client, CONFIG_MAPS, resourceVersion, 300, stop.signal);
      stop.abort();
      expect((await givenUp).end).toMatchObject({ kind: "aborted" });
    });

    test("versions that the server has forgotten are gone", async (context) => {
      if (subject.expireHistory === undefined)
        return context.skip("history cannot be expired here");
      const old = await currentVersion();
      await subject.expireHistory(namespace);
      expect((await ended(client, CONFIG_MAPS, old)).end).toMatchObject({ kind: "gone" });
    });

    test("a request given up before it starts does nothing", async () => {
      const never = await client.create(CONFIG_MAPS, aMap("never"), {
        signal: AbortSignal.abort(),
      });
      expect(never).toMatchObject(err({ kind: "aborted" }));
      expect(await client.get(mapRef("never"), call)).toMatchObject(err({ kind: "not-found" }));
    });

    test("a custom resource appears with its definition; its status is written apart", async () => {
      expect(await client.servedVersions(WIDGETS.group, "widgets", call)).toEqual(ok([]));
      must(await client.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGET_DEFINITION, call));
      await expect
        .poll(() => client.list(WIDGETS, { namespace }, call), { timeout: 15_000 })
        .toMatchObject(ok({ items: [] }));
      await expect
        .poll(() => client.servedVersions(WIDGETS.group, "widgets", call), { timeout: 15_000 })
        .toEqual(ok(["v1"]));
      const widget: Widget = {
        apiVersion: "compliance.example.com/v1",
        kind: "Widget",
        metadata: { name: "w", namespace },
        spec: { size: 1 },
        status: { phase: "ignored" },
      };
      const made = must(await client.create(WIDGETS, widget, call));
      expect(made.status).toBeUndefined();
      const ref = { resource: WIDGETS, namespace, name: "w" };
      const patch = { spec: { size: 9 }, status: { phase: "Ready" } };
      const options = { ...call, subresource: "status" } as const;
      const patched = must(await client.mergePatch<Widget>(ref, patch, options));
      expect([patched.spec, patched.status]).toEqual([{ size: 1 }, { phase: "Ready" }]);
      const applied = must(
        await client.apply<Widget>(
          WIDGETS,
          { ...widget, spec: { size: 9 }, status: { phase: "Done" } },
          options,
        ),
      );
      expect([applied.spec, applied.status]).toEqual([{ size: 1 }, { phase: "Done" }]);
      const updated = must(
        await client.update<Widget>(WIDGETS, { ...applied, spec: { size: 2 }, status: {} }, call),
      );
      expect([updated.spec, updated.status]).toEqual([{ size: 2 }, { phase: "Done" }]);
    });
  });
}

function describeEvent(event: WatchEvent<ConfigMap> | undefined): string {
  if (event === undefined || event.kind === "bookmark") return String(event?.kind);
  return `${event.kind} ${event.object.data?.["n"]}`;
}

/** The first `count` events about the object "watched". */
async function collect(
  client: KubeClient,
  namespace: string,
  resourceVersion: string,
  count: number,
): Promise<WatchEvent<ConfigMap>[]> {
  const events: WatchEvent<ConfigMap>[] = [];
  const query = { namespace, resourceVersion, timeoutSeconds: 30 };
  for await (const event of client.watch<ConfigMap>(CONFIG_MAPS, query, signal)) {
    if (event.kind === "bookmark" || event.object.metadata.name !== "watched") continue;
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

async function ended(
  client: KubeClient,
  resource: Resource,
  resourceVersion: string,
  timeoutSeconds = 30,
  until: AbortSignal = signal,
): Promise<{ readonly end: KubeError | undefined }> {
  const watch = client.watch(resource, { resourceVersion, timeoutSeconds }, until);
  for (;;) {
    const next = await watch.next();
    if (next.done === true) return { end: next.value };
  }
}

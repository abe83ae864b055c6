import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../api/kube/object.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { silentLogger } from "../../log/silent-log.ts";
import { silentMeter } from "../../metrics/silent-meter.ts";
import { seededRandom } from "../../random/seeded-random.ts";
import type { WatchQuery } from "../kube-client.ts";
import type { ViewEvent } from "../object-view.ts";
import { objectKey } from "../object-view.ts";
import type { ReflectorOptions } from "./reflector.ts";
import { Reflector } from "./reflector.ts";
import { BROKEN, GONE, THINGS, ThingServer } from "./thing-server.fixture.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function aReflector(server: ThingServer, options: Partial<ReflectorOptions<KubeObject>> = {}) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const reflector = new Reflector<KubeObject>(
    { resource: THINGS, ...options },
    {
      client: server.client,
      clock,
      random: seededRandom(7),
      log: silentLogger,
      meter: silentMeter,
    },
  );
  const events: ViewEvent<KubeObject>[] = [];
  reflector.view.subscribe((event) => events.push(event));
  return { clock, stop, reflector, events };
}

function versions(objects: Iterable<KubeObject>): Record<string, string | undefined> {
  return Object.fromEntries(
    [...objects].map((object) => [objectKey(object), object.metadata.resourceVersion]),
  );
}

describe("Reflector", () => {
  test("lists in pages, syncs once, then follows the watch", async () => {
    const server = new ThingServer();
    for (const name of ["a", "b", "c", "d", "e"]) server.put(name);
    const { clock, stop, reflector, events } = aReflector(server, { pageSize: 2 });
    const synced = reflector.synced(stop.signal);
    reflector.start(stop.signal);
    await clock.advance(1);
    expect(await synced).toBe(true);
    expect(server.lists.map(({ limit }) => limit)).toEqual([2, 2, 2]);
    expect(events.at(-1)).toEqual({ kind: "synced" });
    server.put("f");
    server.delete("a");
    await clock.advance(1);
    expect(versions(reflector.view.values())).toEqual(versions(server.objects.values()));
    expect(reflector.status()).toEqual({ resource: THINGS, phase: "watching", synced: true });
    expect(server.lists).toHaveLength(3);
  });

  test("while it watches it holds no object that has been replaced (I12)", async () => {
    const server = new ThingServer();
    server.put("a");
    let listed: WeakRef<KubeObject> | undefined;
    const { clock, stop, reflector, events } = aReflector(server, {
      project: (object) => {
        const copy = { ...object };
        listed ??= new WeakRef(copy);
        return copy;
      },
    });
    reflector.start(stop.signal);
    await clock.advance(1);
    server.put("a");
    await clock.advance(1);
    events.splice(0);
    // What a WeakRef gave, or was made from, lives until the event loop has turned.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(listed).toBeDefined();
    expect(listed?.deref()).toBeUndefined();
  });

  test("drops managedFields and what `project` drops", async () => {
    const server = new ThingServer();
    server.put("a");
    const { clock, stop, reflector } = aReflector(server, {
      project: (object) => ({ ...object, kind: "Slim" }),
    });
    reflector.start(stop.signal);
    await clock.advance(1);
    expect(reflector.view.get("a")?.metadata).not.toHaveProperty("managedFields");
    server.put("b");
    await clock.advance(1);
    expect(reflector.view.get("b")).toMatchObject({ kind: "Slim" });
    expect(reflector.view.get("b")?.metadata).not.toHaveProperty("managedFields");
  });

  test("what was written through shows at once, slim, and once: the watch has nothing to add (I9)", async () => {
    const server = new ThingServer();
    const { clock, stop, reflector, events } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(1);
    const written = await reflector.writeThrough(
      "a",
      async () => {
        server.put("a");
        return server.objects.get("a");
      },
      (object) => object && { kind: "written", object },
    );
    expect(reflector.view.get("a")).toMatchObject({ metadata: { uid: "a" } });
    expect(reflector.view.get("a")?.metadata).not.toHaveProperty("managedFields");
    expect(written?.metadata).toHaveProperty("managedFields");
    await clock.advance(1);
    expect(events.filter(({ kind }) => kind === "changed")).toHaveLength(1);
  });

  test("a write that throws or fails shows nothing", async () => {
    const server = new ThingServer();
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(1);
    const fails = reflector.writeThrough(
      "a",
      () => Promise.reject(new Error("no answer")),
      () => ({ kind: "deleted", uid: "a" }),
    );
    await expect(fails).rejects.toThrow("no answer");
    expect(reflector.view.size).toBe(0);
  });

  test("a part of a collection takes no writes", async () => {
    const { reflector } = aReflector(new ThingServer(), { labelSelector: "app=web" });
    const write = reflector.writeThrough(
      "a",
      async () => undefined,
      () => undefined,
    );
    await expect(write).rejects.toThrow("what is written through belongs to the collection");
  });

  test("a cut watch goes on from the last version, bookmarks included, without a list", async () => {
    const server = new ThingServer();
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(5_000);
    server.put("a");
    server.tellWatches({ bookmark: true });
    await clock.advance(5_000);
    server.tellWatches({ end: BROKEN });
    await clock.advance(1);
    server.put("b");
    await clock.advance(1_000);
    expect(server.lists).toHaveLength(1);
    expect(server.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(["1", "2"]);
    expect([...reflector.view.keys()]).toEqual(["a", "b"]);
  });

  test("410 leads to a list that finds what was deleted meanwhile; the view is never empty", async () => {
    const server = new ThingServer();
    server.put("a");
    server.put("b");
    const { clock, stop, reflector, events } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(5_000);
    server.watchError = BROKEN;
    server.tellWatches({ end: BROKEN });
    await clock.advance(1);
    server.delete("a");
    server.compact();
    expect(reflector.view.size).toBe(2);
    server.watchError = undefined;
    await clock.advance(5_000);
    expect([...reflector.view.keys()]).toEqual(["b"]);
    expect(events.filter(({ kind }) => kind === "synced")).toHaveLength(1);
  });

  test("410 between pages restarts the list from its first page", async () => {
    const server = new ThingServer();
    for (const name of ["a", "b", "c"]) server.put(name);
    const { clock, stop, reflector } = aReflector(server, { pageSize: 1 });
    const list = server.client.list.bind(server.client);
    let calls = 0;
    Object.assign(server.client, {
      list: (...parameters: Parameters<typeof list>) => {
        calls += 1;
        if (calls === 3) server.compact();
        return list(...parameters);
      },
    });
    reflector.start(stop.signal);
    await clock.advance(5_000);
    expect(server.lists.map(({ continueToken }) => continueToken !== undefined)).toEqual([
      false,
      true,
      true,
      false,
      true,
      true,
    ]);
    expect(reflector.view.size).toBe(3);
  });

  test("a missing CRD is reported, asked for at a slow pace, and picked up when it comes", async () => {
    const server = new ThingServer();
    server.put("a");
    server.listError = { kind: "no-such-resource", message: "404 page not found", status: 404 };
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(60_000);
    expect(reflector.status()).toMatchObject({
      phase: "waiting",
      synced: false,
      error: { kind: "no-such-resource" },
    });
    expect(server.lists.length).toBeGreaterThan(10);
    expect(server.lists.length).toBeLessThan(26);
    server.listError = undefined;
    await clock.advance(5_000);
    expect(reflector.status()).toEqual({ resource: THINGS, phase: "watching", synced: true });
  });

  test.each([
    { name: "lists that fail", set: (server: ThingServer) => (server.listError = BROKEN) },
    { name: "watches that fail", set: (server: ThingServer) => (server.watchError = BROKEN) },
    {
      name: "watches that are Gone at once",
      set: (server: ThingServer) => (server.watchError = GONE),
    },
  ])("$name are retried with growing delays, no more than a dozen in a minute", async ({ set }) => {
    const server = new ThingServer();
    set(server);
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(60_000);
    const asked = Math.max(server.lists.length, server.watches.length);
    expect(asked).toBeGreaterThan(4);
    expect(asked).toBeLessThan(13);
    stop.abort();
    await clock.advance(1);
    await reflector.stopped();
  });

  test("watches that end cleanly at once are no busy loop", async () => {
    const server = new ThingServer();
    const { clock, stop, reflector } = aReflector(server);
    Object.assign(server.client, {
      watch: (_: unknown, query: WatchQuery) => {
        server.watches.push(query);
        return { next: async () => ({ done: true, value: undefined }) };
      },
    });
    reflector.start(stop.signal);
    await clock.advance(60_000);
    expect(server.watches.length).toBeLessThan(13);
  });

  test("a watch that lasted ends the row of failures: the next cut is mended at once", async () => {
    const server = new ThingServer();
    server.listError = BROKEN;
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(60_000);
    server.listError = undefined;
    await clock.advance(60_000);
    expect(server.watches).toHaveLength(1);
    server.tellWatches({ end: BROKEN });
    await clock.advance(250);
    expect(server.watches).toHaveLength(2);
  });

  test("Retry-After is obeyed", async () => {
    const server = new ThingServer();
    server.listError = { kind: "throttled", message: "slow down", retryAfterMs: 20_000 };
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(19_000);
    expect(server.lists).toHaveLength(1);
    await clock.advance(2_000);
    expect(server.lists).toHaveLength(2);
  });

  test("a silent watch is cut soon after its timeout and replaced", async () => {
    const server = new ThingServer();
    const { clock, stop, reflector } = aReflector(server);
    reflector.start(stop.signal);
    await clock.advance(1);
    const timeoutMs = (server.watches[0]?.timeoutSeconds ?? 0) * 1_000;
    expect(timeoutMs).toBeGreaterThanOrEqual(300_000);
    expect(timeoutMs).toBeLessThanOrEqual(600_000);
    await clock.advance(timeoutMs);
    expect(server.watches).toHaveLength(1);
    await clock.advance(15_000);
    expect(server.watches).toHaveLength(2);
    expect(reflector.view.hasSynced()).toBe(true);
  });

  test("`synced` resolves to false when given up, at once when synced already", async () => {
    const server = new ThingServer();
    const { clock, stop, reflector } = aReflector(server);
    const givenUp = new AbortController();
    const first = reflector.synced(givenUp.signal);
    givenUp.abort();
    expect(await first).toBe(false);
    reflector.start(stop.signal);
    await clock.advance(1);
    expect(await reflector.synced(stop.signal)).toBe(true);
  });

  test("whatever happens, the quiet view equals the server and each change was told once, in order", async () => {
    const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("put"), name }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete"), name }) },
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constantFrom(
            "cut",
            "end",
            "gone",
            "compact",
            "bookmark",
            "bad-list",
            "bad-watch",
          ),
          name,
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("mend"), name }) },
    );
    const script = fc.array(fc.tuple(action, fc.constantFrom(0, 0, 1, 300, 5_000, 400_000)), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(script, fc.integer({ min: 1, max: 4 }), async (steps, pageSize) => {
        const server = new ThingServer();
        const { clock, stop, reflector, events } = aReflector(server, { pageSize });
        reflector.start(stop.signal);
        for (const [{ kind, name }, waitMs] of steps) {
          perform(server, kind, name);
          if (waitMs > 0) await clock.advance(waitMs);
        }
        perform(server, "mend", "");
        await clock.advance(60_000);
        expect(versions(reflector.view.values())).toEqual(versions(server.objects.values()));
        expect(versions(replay(events).values())).toEqual(versions(server.objects.values()));
        expect(reflector.status()).toMatchObject({ phase: "watching", synced: true });
        stop.abort();
        await clock.advance(1);
        await reflector.stopped();
      }),
      { numRuns: 150 },
    );
  });
});

function perform(server: ThingServer, kind: string, name: string): void {
  if (kind === "put") server.put(name);
  if (kind === "delete") server.delete(name);
  if (kind === "compact") server.compact();
  if (kind === "bookmark") server.tellWatches({ bookmark: true });
  if (kind === "cut") server.tellWatches({ end: BROKEN });
  if (kind === "end") server.tellWatches({ end: "clean" });
  if (kind === "gone") server.tellWatches({ end: GONE });
  if (kind === "bad-list") server.listError = BROKEN;
  if (kind === "bad-watch") server.watchError = BROKEN;
  if (kind === "mend") {
    server.listError = undefined;
    server.watchError = undefined;
  }
}

/** What one who only listens believes; fails when an event does not follow from the one before. */
function replay(events: readonly ViewEvent<KubeObject>[]): Map<string, KubeObject> {
  const believed = new Map<string, KubeObject>();
  for (const event of events) {
    if (event.kind === "synced") continue;
    expect(event.before).toBe(believed.get(event.key));
    expect(event.after?.metadata.resourceVersion).not.toBe(event.before?.metadata.resourceVersion);
    if (event.after === undefined) believed.delete(event.key);
    else believed.set(event.key, event.after);
  }
  return believed;
}

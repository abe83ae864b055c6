import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ObjectStore } from "./object-store.ts";
import { resourceVersionOf } from "./resource-version.ts";

const COLLECTION = "/configmaps";

describe("ObjectStore", () => {
  test("every write has a revision of its own, over all collections", () => {
    const store = new ObjectStore();
    const first = store.put("a", "x", { metadata: {} });
    const second = store.put("b", "x", { metadata: {} });
    const removed = store.delete("a", "x");
    const versions = [first, second, removed ?? {}].map(resourceVersionOf);
    expect(versions).toEqual(["2", "3", "4"]);
    expect(store.delete("a", "x")).toBeUndefined();
    expect(store.revision).toBe(4);
  });

  test("counts from where it is told, and knows nothing from before", () => {
    const store = new ObjectStore({ firstRevision: 1_000 });
    expect(store.eventsAfter(999)).toEqual({ ok: false, error: { oldestRevision: 1_000 } });
    expect(store.eventsAfter(1_000)).toEqual({ ok: true, value: [] });
    expect(resourceVersionOf(store.put("a", "x", {}))).toBe("1001");
  });

  test("is full with so many objects, whatever they are, until one goes (I12)", () => {
    const store = new ObjectStore({ objectLimit: 2 });
    store.put("a", "x", {});
    store.put("a", "x", { changed: 1 });
    expect(store.isFull).toBe(false);
    store.put("b", "x", {});
    expect(store.isFull).toBe(true);
    store.delete("a", "none");
    expect(store.isFull).toBe(true);
    store.delete("a", "x");
    expect(store.isFull).toBe(false);
  });

  test("lists in byte order, and only the namespace asked for", () => {
    const store = new ObjectStore();
    for (const key of ["b/1", "a/2", "a-b/1", "a/10"]) store.put(COLLECTION, key, {});
    const keys = (namespace?: string) => store.list(COLLECTION, namespace).map(({ key }) => key);
    expect(keys()).toEqual(["a-b/1", "a/10", "a/2", "b/1"]);
    expect(keys("a")).toEqual(["a/10", "a/2"]);
  });

  test("keeps a bounded window: older revisions are compacted, newer ones are all there", () => {
    const store = new ObjectStore({ historyLimit: 10 });
    for (let at = 0; at < 100; at += 1) store.put(COLLECTION, "a/x", { at });
    expect(store.eventsAfter(1)).toEqual({
      ok: false,
      error: { oldestRevision: expect.any(Number) },
    });
    expect(store.revision - store.oldestRevision).toBeGreaterThanOrEqual(10);
    expect(store.revision - store.oldestRevision).toBeLessThan(20);
    const events = store.eventsAfter(store.oldestRevision);
    expect(events.ok && events.value.length).toBe(store.revision - store.oldestRevision);
    expect(store.listAt(COLLECTION, undefined, 1).ok).toBe(false);
  });

  test("a listener hears each write once, until it unsubscribes", () => {
    const store = new ObjectStore();
    const heard: number[] = [];
    const stop = store.subscribe(({ revision }) => heard.push(revision));
    store.put(COLLECTION, "a", {});
    stop();
    store.put(COLLECTION, "b", {});
    expect(heard).toEqual([2]);
  });

  const operation = fc.record({
    key: fc.constantFrom("a/1", "a/2", "b/1", "b/2"),
    remove: fc.boolean(),
    value: fc.nat(9),
  });

  test("law: a snapshot of any revision is what a list gave at that revision", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const store = new ObjectStore();
        const seen = new Map([[store.revision, store.list(COLLECTION)]]);
        for (const { key, remove, value } of operations) {
          if (remove) store.delete(COLLECTION, key);
          else store.put(COLLECTION, key, { value });
          seen.set(store.revision, store.list(COLLECTION));
        }
        for (const [revision, entries] of seen) {
          expect(store.listAt(COLLECTION, undefined, revision)).toEqual({
            ok: true,
            value: entries,
          });
        }
      }),
    );
  });

  test("law: replaying the events after any list gives the newest list", () => {
    fc.assert(
      fc.property(fc.array(operation), fc.nat(40), (operations, cut) => {
        const store = new ObjectStore();
        let from = { revision: store.revision, entries: store.list(COLLECTION) };
        operations.forEach(({ key, remove, value }, at) => {
          if (remove) store.delete(COLLECTION, key);
          else store.put(COLLECTION, key, { value });
          if (at === cut) from = { revision: store.revision, entries: store.list(COLLECTION) };
        });
        const replayed = new Map(from.entries.map(({ key, object }) => [key, object]));
        const events = store.eventsAfter(from.revision);
        for (const event of events.ok ? events.value : []) {
          if (event.after === undefined) replayed.delete(event.key);
          else replayed.set(event.key, event.after);
        }
        const newest = new Map(store.list(COLLECTION).map(({ key, object }) => [key, object]));
        expect(replayed).toEqual(newest);
      }),
    );
  });
});

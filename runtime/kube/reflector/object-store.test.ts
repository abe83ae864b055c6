import { describe, expect, test } from "vitest";
import { InvariantError } from "../../../api/invariant.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import type { Logger } from "../../log/log.ts";
import { silentLogger } from "../../log/silent-log.ts";
import type { ViewEvent } from "../object-view.ts";
import { ObjectStore } from "./object-store.ts";

function anObject(
  name: string,
  resourceVersion: string,
  labels: Record<string, string> = {},
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Thing",
    metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion, labels },
  };
}

function aStore(log: Logger = silentLogger) {
  const store = new ObjectStore<KubeObject>(
    { indexes: { color: (object) => Object.values(object.metadata.labels ?? {}) } },
    { log },
  );
  const events: ViewEvent<KubeObject>[] = [];
  const unsubscribe = store.subscribe((event) => events.push(event));
  return { store, events, unsubscribe };
}

describe("ObjectStore", () => {
  test("tells additions, changes and removals with before and after", () => {
    const { store, events } = aStore();
    const one = anObject("a", "1");
    const two = anObject("a", "2");
    store.put(one);
    store.put(two);
    store.remove("shop/a");
    expect(events).toEqual([
      { kind: "changed", key: "shop/a", after: one },
      { kind: "changed", key: "shop/a", before: one, after: two },
      { kind: "changed", key: "shop/a", before: two },
    ]);
    expect(store.size).toBe(0);
  });

  test("what changes nothing tells nobody (I9)", () => {
    const { store, events } = aStore();
    store.put(anObject("a", "1"));
    store.put(anObject("a", "1"));
    store.remove("shop/none");
    store.replace([anObject("a", "1")]);
    expect(events).toHaveLength(1);
  });

  test("an object made anew under the same name and version is a change: the uid differs", () => {
    const { store, events } = aStore();
    store.put(anObject("a", "1"));
    const again = anObject("a", "1");
    store.put({ ...again, metadata: { ...again.metadata, uid: "other" } });
    expect(events).toHaveLength(2);
  });

  test("a full list removes what it does not hold", () => {
    const { store, events } = aStore();
    store.replace([anObject("a", "1"), anObject("b", "2")]);
    events.length = 0;
    store.replace([anObject("b", "3"), anObject("c", "4")]);
    expect([...store.keys()].sort()).toEqual(["shop/b", "shop/c"]);
    expect(events.map((event) => event.kind === "changed" && event.key)).toEqual([
      "shop/a",
      "shop/b",
      "shop/c",
    ]);
  });

  test("indexes follow additions, moves and removals", () => {
    const { store } = aStore();
    store.put(anObject("a", "1", { x: "red" }));
    store.put(anObject("b", "2", { x: "red", y: "blue" }));
    expect(store.byIndex("color", "red").map((object) => object.metadata.name)).toEqual(["a", "b"]);
    store.put(anObject("a", "3", { x: "green" }));
    store.remove("shop/b");
    expect(store.byIndex("color", "red")).toEqual([]);
    expect(store.byIndex("color", "blue")).toEqual([]);
    expect(store.byIndex("color", "green")).toHaveLength(1);
    expect(() => store.byIndex("shape", "round")).toThrow(InvariantError);
  });

  test("a listener that throws does not keep the event from the others, and is logged", () => {
    const errors: string[] = [];
    const { store, events } = aStore({ ...silentLogger, error: (message) => errors.push(message) });
    store.subscribe(() => {
      throw new Error("bug");
    });
    const late: string[] = [];
    store.subscribe((event) => late.push(event.kind));
    store.put(anObject("a", "1"));
    expect([events.length, late, errors]).toEqual([
      1,
      ["changed"],
      ["object view listener failed"],
    ]);
  });

  test("synced is told once, and unsubscribed listeners hear nothing", () => {
    const { store, events, unsubscribe } = aStore();
    expect(store.hasSynced()).toBe(false);
    store.markSynced();
    store.markSynced();
    unsubscribe();
    store.put(anObject("a", "1"));
    expect(store.hasSynced()).toBe(true);
    expect(events).toEqual([{ kind: "synced" }]);
  });
});

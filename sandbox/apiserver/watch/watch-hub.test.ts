import { beforeEach, describe, expect, test } from "vitest";
import { aConfigMap, CONFIG_MAPS, START_MS, TestCore } from "../testing/test-core.ts";
import type { WatchEvent } from "./watch-event.ts";

const MERGE = { headers: { "content-type": "application/merge-patch+json" } };

let world: TestCore;
beforeEach(() => {
  world = new TestCore();
});

function create(name: string, labels: object = {}): void {
  expect(world.ask("POST", CONFIG_MAPS, aConfigMap(name, { labels })).status).toBe(201);
}

function label(name: string, labels: object): void {
  world.ask("PATCH", `${CONFIG_MAPS}/${name}`, { metadata: { labels } }, MERGE);
}

/** `ADDED a@5` */
function shown(events: readonly WatchEvent[]): readonly string[] {
  return events.map(({ type, object }) => {
    const { name = "", resourceVersion } = object["metadata"] as Record<string, string>;
    return `${type} ${name}@${resourceVersion}`;
  });
}

describe("what a watch sees", () => {
  test("from a resourceVersion: everything after it, live or from history", () => {
    create("a");
    const { revision } = world.core.state.store;
    label("a", { x: "1" });
    const watch = world.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${revision}`);
    world.ask("DELETE", `${CONFIG_MAPS}/a`);
    const [first, second] = [revision + 1, revision + 2];
    expect(shown(watch.events)).toEqual([`MODIFIED a@${first}`, `DELETED a@${second}`]);
  });

  test.each(["", "&resourceVersion=0"])("without a resourceVersion (%s): the state first", (rv) => {
    create("b");
    create("a");
    const { revision } = world.core.state.store;
    const watch = world.watch(`${CONFIG_MAPS}?watch=1${rv}`);
    create("c");
    expect(shown(watch.events)).toEqual([
      `ADDED a@${revision}`,
      `ADDED b@${revision - 1}`,
      `ADDED c@${revision + 1}`,
    ]);
  });

  test("objects that enter and leave the selection are ADDED and DELETED", () => {
    const watch = world.watch(`${CONFIG_MAPS}?watch=1&labelSelector=sel%3Dyes`);
    create("a", { sel: "yes" });
    label("a", { other: "1" });
    label("a", { sel: "no" });
    label("a", { other: "2" });
    label("a", { sel: "yes" });
    expect(watch.events.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "DELETED", "ADDED"]);
    // The DELETED event shows the object as it was when it was last selected, at the revision of the change.
    expect(watch.events[2]?.object).toMatchObject({ metadata: { labels: { sel: "yes" } } });
  });

  test("only its namespace and kind", () => {
    const watch = world.watch("/api/v1/namespaces/kube-system/configmaps?watch=1");
    create("a");
    expect(watch.events).toEqual([]);
  });

  test("an expired resourceVersion is an ERROR event with 410, and the end", () => {
    const small = new TestCore({ historyLimit: 2 });
    for (let at = 0; at < 10; at += 1) small.ask("POST", CONFIG_MAPS, aConfigMap(`c${at}`));
    const watch = small.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=3`);
    expect(watch.events).toMatchObject([
      { type: "ERROR", object: { code: 410, reason: "Expired" } },
    ]);
    expect(watch.events[0]?.object["message"]).toMatch(/^too old resource version: 3 \(\d+\)$/);
    expect(watch.ended()).toBe(true);
    expect(small.core.watches.size).toBe(0);
  });

  test("a future resourceVersion waits for it", () => {
    const { revision } = world.core.state.store;
    const watch = world.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${revision + 1}`);
    create("a");
    create("b");
    expect(shown(watch.events)).toEqual([`ADDED b@${revision + 2}`]);
  });
});

describe("bookmarks", () => {
  test("sendInitialEvents ends the state with one", () => {
    create("a");
    const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    const watch = world.watch(`${CONFIG_MAPS}?${query}&allowWatchBookmarks=true`);
    expect(watch.events[1]).toMatchObject({
      type: "BOOKMARK",
      object: { metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
    });
    expect(world.watch(`${CONFIG_MAPS}?${query}`).events).toHaveLength(1);
  });

  test("come once a minute, and only to those who take them", () => {
    const { revision } = world.core.state.store;
    const from = `watch=1&resourceVersion=${revision}`;
    const taking = world.watch(`${CONFIG_MAPS}?${from}&allowWatchBookmarks=true`);
    const other = world.watch(`${CONFIG_MAPS}?${from}`);
    expect(world.core.nextTickMs()).toBe(START_MS + 60_000);
    world.core.tick(START_MS + 59_999);
    expect(taking.events).toEqual([]);
    world.core.tick(START_MS + 60_000);
    expect(shown(taking.events)).toEqual([`BOOKMARK @${revision}`]);
    expect(other.events).toEqual([]);
  });
});

test("timeoutSeconds ends a watch cleanly", () => {
  const watch = world.watch(`${CONFIG_MAPS}?watch=1&timeoutSeconds=5`);
  expect(world.core.nextTickMs()).toBe(START_MS + 5_000);
  world.core.tick(START_MS + 5_000);
  expect(watch.ended()).toBe(true);
  expect(world.core.nextTickMs()).toBeUndefined();
});

test.each([
  ["resourceVersion=abc", 500],
  ["labelSelector=a%3D%3D%3Db", 400],
  ["fieldSelector=spec.x%3Da", 400],
  ["resourceVersionMatch=NotOlderThan", 422],
  ["sendInitialEvents=true", 422],
])("a watch with %s is refused with %i", (query, status) => {
  expect(world.ask("GET", `${CONFIG_MAPS}?watch=1&${query}`).status).toBe(status);
});

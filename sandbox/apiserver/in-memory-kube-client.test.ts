import { beforeEach, describe, expect, test } from "vitest";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { CorePump } from "./core/core-pump.ts";
import { InMemoryKubeClient, type InMemoryKubeClientDeps } from "./in-memory-kube-client.ts";
import { START_MS, TestCore } from "./testing/test-core.ts";

const CONFIG_MAPS: Resource = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};
const LOST: KubeError = { kind: "unavailable", message: "connection lost" };

let clock: VirtualClock;
let world: TestCore;
let deps: InMemoryKubeClientDeps;
let client: InMemoryKubeClient;
const signal = new AbortController().signal;
const options = { signal };

beforeEach(() => {
  clock = new VirtualClock(START_MS);
  world = new TestCore();
  const { core } = world;
  deps = { core, clock, pump: new CorePump({ settleDelayMs: 20 }, { core, clock }) };
  client = new InMemoryKubeClient({}, deps);
});

function aConfigMap(name: string): KubeObject & { readonly data: object } {
  const metadata = { name, namespace: "default" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "1" } };
}

function refTo(name: string) {
  return { resource: CONFIG_MAPS, namespace: "default", name };
}

describe("requests", () => {
  test("create, read, change, apply, list and delete", async () => {
    const created = await client.create(CONFIG_MAPS, aConfigMap("a"), options);
    expect(created).toMatchObject({ ok: true, value: { metadata: { name: "a" } } });
    expect(await client.create(CONFIG_MAPS, aConfigMap("a"), options)).toMatchObject({
      error: { kind: "already-exists", status: 409 },
    });
    const patched = await client.mergePatch(refTo("a"), { data: { b: "2" } }, options);
    expect(patched).toMatchObject({ value: { data: { a: "1", b: "2" } } });
    const stale = created.ok ? created.value : aConfigMap("a");
    expect(await client.update(CONFIG_MAPS, stale, options)).toMatchObject({
      error: { kind: "conflict" },
    });
    const applied = await client.apply(CONFIG_MAPS, aConfigMap("b"), options);
    expect(applied).toMatchObject({
      value: { metadata: { managedFields: [{ manager: "isthmus", operation: "Apply" }] } },
    });
    const listed = await client.list(CONFIG_MAPS, { namespace: "default", limit: 1 }, options);
    expect(listed).toMatchObject({
      value: { items: [{ kind: "ConfigMap" }], continueToken: expect.any(String) },
    });
    expect(await client.delete(refTo("a"), {}, options)).toEqual({ ok: true, value: undefined });
    expect(await client.get(refTo("a"), options)).toMatchObject({ error: { kind: "not-found" } });
  });

  test("served versions, and resources that are not served", async () => {
    expect(await client.servedVersions("", "configmaps", options)).toEqual({
      ok: true,
      value: ["v1"],
    });
    expect(await client.servedVersions("nope.io", "x", options)).toEqual({ ok: true, value: [] });
    const nope = { ...CONFIG_MAPS, group: "nope.io", plural: "x" };
    expect(await client.list(nope, {}, options)).toMatchObject({
      error: { kind: "no-such-resource" },
    });
  });

  test("background work happens when the clock moves, not before", async () => {
    const dependent = aConfigMap("child");
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "none", uid: "u" };
    const metadata = { ...dependent.metadata, ownerReferences: [owner] };
    await client.create(CONFIG_MAPS, { ...dependent, metadata }, options);
    expect(await client.get(refTo("child"), options)).toMatchObject({ ok: true });
    await clock.advance(20);
    expect(await client.get(refTo("child"), options)).toMatchObject({ ok: false });
  });
});

describe("faults", () => {
  test.each([
    ["before", false],
    ["after", true],
  ] as const)("lost %s the core: written is %s", async (lostAt, written) => {
    const intercept: InMemoryKubeClientDeps["intercept"] = async ({ verb }, moment) =>
      verb === "create" && moment === lostAt ? LOST : undefined;
    const faulty = new InMemoryKubeClient({}, { ...deps, intercept });
    expect(await faulty.create(CONFIG_MAPS, aConfigMap("a"), options)).toEqual({
      ok: false,
      error: LOST,
    });
    expect((await client.get(refTo("a"), options)).ok).toBe(written);
  });

  test("a request that waits too long is a timeout, an aborted one is aborted", async () => {
    const forever: InMemoryKubeClientDeps["intercept"] = (_, __, signal) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
    const slow = new InMemoryKubeClient({}, { ...deps, intercept: forever });
    const waiting = slow.get(refTo("a"), { signal, timeoutMs: 100 });
    await clock.advance(100);
    expect(await waiting).toMatchObject({ error: { kind: "timeout" } });
    const abort = new AbortController();
    const aborted = slow.get(refTo("a"), { signal: abort.signal });
    abort.abort();
    expect(await aborted).toMatchObject({ error: { kind: "aborted" } });
  });
});

describe("watch", () => {
  const query = { namespace: "default", timeoutSeconds: 30 };

  function start(reader: InMemoryKubeClient, watchSignal = signal) {
    const resourceVersion = String(deps.core.state.store.revision);
    return reader.watch(CONFIG_MAPS, { ...query, resourceVersion }, watchSignal);
  }

  test("gives events in order and ends cleanly when its time is over", async () => {
    const events = start(client);
    const first = events.next();
    await client.create(CONFIG_MAPS, aConfigMap("a"), options);
    await client.delete(refTo("a"), {}, options);
    expect((await first).value).toMatchObject({ kind: "added" });
    expect((await events.next()).value).toMatchObject({ kind: "deleted" });
    const end = events.next();
    await clock.advance(30_000);
    expect(await end).toEqual({ done: true, value: undefined });
    expect(deps.core.watches.size).toBe(0);
  });

  test("an expired revision ends it as gone", async () => {
    deps.core.state.store.compact(deps.core.state.store.revision);
    const events = client.watch(CONFIG_MAPS, { ...query, resourceVersion: "2" }, signal);
    expect(await events.next()).toMatchObject({ done: true, value: { kind: "gone", status: 410 } });
  });

  test.each([
    ["broken", () => client.breakWatches(LOST), LOST],
    ["aborted", (abort: AbortController) => abort.abort(), { kind: "aborted" }],
  ])("%s: it ends with that error and frees its place", async (_, end, error) => {
    const abort = new AbortController();
    const events = start(client, abort.signal);
    const next = events.next();
    await clock.advance(0);
    end(abort);
    expect(await next).toMatchObject({ done: true, value: error });
    expect(deps.core.watches.size).toBe(0);
  });

  test("a reader that falls behind the bound loses its watch (I12)", async () => {
    const slow = new InMemoryKubeClient({ backlogLimit: 2 }, deps);
    const events = start(slow);
    const first = events.next();
    for (const name of ["a", "b", "c", "d", "e"]) {
      world.ask("POST", "/api/v1/namespaces/default/configmaps", aConfigMap(name));
    }
    await client.get(refTo("a"), options);
    expect((await first).done).toBe(false);
    const rest: unknown[] = [];
    for (let next = await events.next(); ; next = await events.next()) {
      rest.push(next.value);
      if (next.done === true) break;
    }
    expect(rest.at(-1)).toMatchObject({ kind: "unavailable" });
  });
});

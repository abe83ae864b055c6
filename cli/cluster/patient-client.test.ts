import { beforeEach, expect, test } from "vitest";
import { CONFIG_MAPS } from "../../api/kube/config-map.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { CallOptions, KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError, KubeErrorKind } from "../../runtime/kube/kube-error.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { PATIENCE_MS, patientClient } from "./patient-client.ts";

const OBJECT: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "ns", name: "web" },
};
const TARGET = { resource: CONFIG_MAPS, namespace: "ns", name: "web" };
const { signal } = new AbortController();

let clock: VirtualClock;
let told: string[];
/** `verb timeoutMs` of each attempt. */
let asked: string[];
beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  asked = [];
});

const failed = (kind: KubeErrorKind, more: Partial<KubeError> = {}) =>
  err({ kind, message: `it was ${kind}`, ...more });

/** Answers in turn, the last one for ever; silence lasts as long as it is waited for. */
function server(...answers: readonly Result<unknown, KubeError>[]): KubeClient {
  let next = 0;
  const answer = async (verb: string, { timeoutMs = 0 }: CallOptions): Promise<unknown> => {
    asked.push(`${verb} ${timeoutMs}`);
    const result = answers[Math.min(next++, answers.length - 1)];
    if (result?.ok === false && result.error.kind === "timeout") {
      await new Promise<void>((resolve) => void clock.setTimer(timeoutMs, resolve));
    }
    return result;
  };
  const client = {
    get: (_: unknown, options: CallOptions) => answer("get", options),
    apply: (_: unknown, __: unknown, options: CallOptions) => answer("apply", options),
    create: (_: unknown, __: unknown, options: CallOptions) => answer("create", options),
    delete: (_: unknown, __: unknown, options: CallOptions) => answer("delete", options),
  } as unknown as KubeClient;
  const deps = { clock, random: seededRandom(1), tell: (text: string) => void told.push(text) };
  return patientClient(client, deps);
}

async function within<T>(ms: number, call: Promise<T>): Promise<T | "not yet"> {
  const late = clock.advance(ms).then(() => "not yet" as const);
  return Promise.race([call, late]);
}

test("a silence is borne: asked again, with more time for the answer each time, and told", async () => {
  const silence = failed("timeout");
  const client = server(silence, silence, silence, silence, ok(OBJECT));
  const applied = await within(PATIENCE_MS, client.apply(CONFIG_MAPS, OBJECT, { signal }));
  expect(applied).toEqual(ok(OBJECT));
  expect(asked).toEqual([10_000, 20_000, 40_000, 40_000, 40_000].map((ms) => `apply ${ms}`));
  expect(told).toHaveLength(4);
  expect(told[0]).toBe("apply ConfigMap ns/web: it was timeout: asked again");
});

test("a server that has answered may refuse connections for a while: it restarts", async () => {
  const client = server(ok(OBJECT), failed("unavailable"), failed("unavailable"), ok(OBJECT));
  await client.get(TARGET, { signal });
  expect(await within(20_000, client.apply(CONFIG_MAPS, OBJECT, { signal }))).toEqual(ok(OBJECT));
});

test.each<[string, Result<unknown, KubeError>, number]>([
  ["refuses connections and never answered: likely a wrong address", failed("unavailable"), 1],
  ["says no", failed("forbidden", { status: 403 }), 1],
  ["says it is stale", failed("conflict", { status: 409 }), 1],
])("one that %s is asked once", async (_, answer, attempts) => {
  const client = server(answer, ok(OBJECT));
  expect(await within(PATIENCE_MS, client.apply(CONFIG_MAPS, OBJECT, { signal }))).toMatchObject({
    ok: false,
  });
  expect(asked).toHaveLength(attempts);
});

test("one that says it is unavailable is there", async () => {
  const client = server(failed("unavailable", { status: 503 }), ok(OBJECT));
  expect(await within(PATIENCE_MS, client.get(TARGET, { signal }))).toEqual(ok(OBJECT));
});

test("the end of patience names the step; calls after it are given one attempt", async () => {
  const client = server(ok(OBJECT), failed("timeout"));
  await client.get(TARGET, { signal });
  const applied = within(2 * PATIENCE_MS, client.apply(CONFIG_MAPS, OBJECT, { signal }));
  expect(await applied).toMatchObject({
    error: { kind: "timeout", message: "apply ConfigMap ns/web: it was timeout (asked 5 times)" },
  });
  asked = [];
  expect(await within(10_000, client.get(TARGET, { signal }))).toMatchObject({ ok: false });
  expect(asked).toHaveLength(1);
});

test("patience begins anew with each answer", async () => {
  const silence = failed("timeout");
  const client = server(
    silence,
    silence,
    silence,
    ok(OBJECT),
    silence,
    silence,
    silence,
    ok(OBJECT),
  );
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await within(PATIENCE_MS, client.get(TARGET, { signal }))).toEqual(ok(OBJECT));
  }
});

test("what an attempt did that nobody heard of is done: a repeated create finds it, a repeated delete misses it", async () => {
  const created = server(failed("timeout"), failed("already-exists"), ok(OBJECT));
  expect(await within(60_000, created.create(CONFIG_MAPS, OBJECT, { signal }))).toEqual(ok(OBJECT));
  const removed = server(failed("timeout"), failed("not-found"));
  expect(await within(60_000, removed.delete(TARGET, {}, { signal }))).toEqual(ok(undefined));
});

test("what somebody else did is told as ever", async () => {
  const created = server(failed("already-exists"));
  expect(await created.create(CONFIG_MAPS, OBJECT, { signal })).toMatchObject({
    error: { kind: "already-exists" },
  });
  const removed = server(failed("not-found"));
  expect(await removed.delete(TARGET, {}, { signal })).toMatchObject({
    error: { kind: "not-found" },
  });
});

test("whoever gives up is not kept waiting", async () => {
  const stop = new AbortController();
  const client = server(ok(OBJECT), failed("unavailable"));
  await client.get(TARGET, { signal });
  const call = client.get(TARGET, { signal: stop.signal });
  await clock.advance(100);
  stop.abort();
  expect(await within(0, call)).toMatchObject({ ok: false });
});

import http from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../../api/kube/object.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import { err, ok } from "../../../api/result.ts";
import { systemClock } from "../../clock/system-clock.ts";
import { silentMeter } from "../../metrics/silent-meter.ts";
import { systemRandom } from "../../random/system-random.ts";
import type { WatchEvent } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import type { Answer } from "./faulty-server.fixture.ts";
import { FaultyServer, json, status, stream } from "./faulty-server.fixture.ts";
import type { HttpKubeClientOptions } from "./http-kube-client.ts";
import { HttpKubeClient } from "./http-kube-client.ts";

const { signal } = new AbortController();
const DEPS = { clock: systemClock, random: systemRandom, meter: silentMeter };
const WEB = { resource: SERVICES, namespace: "shop", name: "web" };
const OBJECT = { metadata: { name: "web", namespace: "shop", resourceVersion: "7" } };

let server: FaultyServer;
let url: string;
let agent: http.Agent;
let tokens: string[];

beforeEach(async () => {
  server = new FaultyServer();
  url = await server.start();
  agent = new http.Agent({ keepAlive: true });
  tokens = ["first"];
});
afterEach(async () => {
  agent.destroy();
  await server.stop();
});

function aClient(options: HttpKubeClientOptions = {}, at = url): HttpKubeClient {
  const access: ClusterAccess = {
    server: at,
    connection: () =>
      Promise.resolve(
        ok({
          headers: { authorization: `Bearer ${tokens[0]}` },
          requestAgent: agent,
          watchAgent: agent,
        }),
      ),
    refresh: () => tokens.length > 1 && tokens.shift() !== undefined,
    close: () => agent.destroy(),
  };
  return new HttpKubeClient(options, { access, ...DEPS });
}

async function errorOf(answer: Answer, options?: HttpKubeClientOptions): Promise<KubeError> {
  server.answer(answer);
  const got = await aClient(options).get(WEB, { signal });
  if (got.ok) throw new Error("expected an error");
  return got.error;
}

async function watched(
  client: HttpKubeClient,
  until: AbortSignal = signal,
): Promise<{ events: WatchEvent<KubeObject>[]; end: KubeError | undefined }> {
  const events: WatchEvent<KubeObject>[] = [];
  const watch = client.watch(SERVICES, { resourceVersion: "1", timeoutSeconds: 300 }, until);
  for (;;) {
    const next = await watch.next();
    if (next.done === true) return { events, end: next.value };
    events.push(next.value);
  }
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

describe("HttpKubeClient errors", () => {
  test.each<{ name: string; answer: Answer; want: Partial<KubeError> }>([
    {
      name: "a missing object",
      answer: status(404, "NotFound", { name: "web", kind: "services" }),
      want: { kind: "not-found", status: 404, message: "it is NotFound" },
    },
    {
      name: "a missing resource of a served group",
      answer: status(404, "NotFound"),
      want: { kind: "no-such-resource" },
    },
    {
      name: "a missing group: plain text",
      answer: (response) => {
        response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
      },
      want: { kind: "no-such-resource", message: "404 page not found" },
    },
    {
      name: "403 of a terminating namespace (IMP-07)",
      answer: status(403, "Forbidden", { name: "x", causes: [{ reason: "NamespaceTerminating" }] }),
      want: { kind: "namespace-terminating" },
    },
    {
      name: "429 with a Retry-After header beyond the request's own time",
      answer: json(429, { kind: "Status", message: "slow down" }, { "retry-after": "30" }),
      want: { kind: "throttled", retryAfterMs: 30_000 },
    },
    {
      name: "503 with retryAfterSeconds in the Status",
      answer: status(503, "ServiceUnavailable", { retryAfterSeconds: 2 }),
      want: { kind: "unavailable", retryAfterMs: 2_000 },
    },
    {
      name: "200 that is not JSON",
      answer: (response) => void response.end("<html>"),
      want: { kind: "unavailable", message: expect.stringContaining('must be JSON: got "<html>"') },
    },
    {
      name: "200 that is no object",
      answer: json(200, { metadata: {} }),
      want: {
        kind: "unavailable",
        message: expect.stringContaining("metadata.name must be a string"),
      },
    },
    {
      name: "an answer cut in its middle",
      answer: (response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write('{"metadata"', () => response.destroy());
      },
      want: { kind: "unavailable", message: expect.stringContaining("cannot reach API server") },
    },
  ])("$name", async ({ answer, want }) => {
    expect(await errorOf(answer)).toMatchObject(want);
  });

  test("an answer above the bound is refused, not stored", async () => {
    const error = await errorOf(json(200, { metadata: { name: "x".repeat(5_000) } }), {
      maxBodyBytes: 4_096,
    });
    expect(error).toMatchObject({
      kind: "invalid",
      message: expect.stringContaining("at most 4096 bytes"),
    });
  });

  test("no listener: says who refused", async () => {
    await server.stop();
    const got = await aClient().get(WEB, { signal });
    expect(got).toEqual(
      err({
        kind: "unavailable",
        message: expect.stringMatching(
          /^cannot reach API server http:\/\/127\.0\.0\.1:\d+: connection refused \(/,
        ),
      }),
    );
  });

  test("a server that does not answer: timeout, from the deadline", async () => {
    server.answer(() => undefined);
    const got = await aClient().get(WEB, { signal, timeoutMs: 30 });
    expect(got).toMatchObject(err({ kind: "timeout", message: expect.stringContaining("30 ms") }));
  });

  test("a server that stops in the middle of the body: timeout too", async () => {
    server.answer((response) => void response.writeHead(200).write("{"));
    const got = await aClient().get(WEB, { signal, timeoutMs: 50 });
    expect(got).toMatchObject(err({ kind: "timeout" }));
  });

  test("given up by the caller: aborted, also when given up before", async () => {
    const stop = new AbortController();
    server.answer(() => stop.abort());
    expect(await aClient().get(WEB, { signal: stop.signal })).toMatchObject(
      err({ kind: "aborted" }),
    );
    expect(await aClient().get(WEB, { signal: stop.signal })).toMatchObject(
      err({ kind: "aborted" }),
    );
    expect(server.seen).toHaveLength(1);
  });
});

describe("HttpKubeClient requests", () => {
  test("paths, queries, bodies and content types are the API's", async () => {
    server.answer(json(200, OBJECT));
    const client = aClient({ fieldManager: "me" });
    const object = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...OBJECT.metadata, managedFields: [{}] },
    };
    await client.create(SERVICES, object, { signal });
    await client.update(SERVICES, object, { signal, subresource: "status" });
    await client.apply(SERVICES, object, { signal });
    await client.apply(SERVICES, object, { signal, force: false, subresource: "status" });
    await client.mergePatch(WEB, { spec: null }, { signal });
    await client.delete(WEB, { uid: "u" }, { signal, gracePeriodSeconds: 0 });
    const path = "/api/v1/namespaces/shop/services";
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `POST ${path}?fieldManager=me`,
      `PUT ${path}/web/status?fieldManager=me`,
      `PATCH ${path}/web?fieldManager=me&force=true`,
      `PATCH ${path}/web/status?fieldManager=me&force=false`,
      `PATCH ${path}/web?fieldManager=me`,
      `DELETE ${path}/web`,
    ]);
    expect(server.seen.map(({ headers }) => headers["content-type"])).toEqual([
      "application/json",
      "application/json",
      "application/apply-patch+yaml",
      "application/apply-patch+yaml",
      "application/merge-patch+json",
      "application/json",
    ]);
    // The server refuses managedFields in an apply; a replace keeps them.
    expect(JSON.parse(server.seen[2]?.body ?? "")).toEqual({
      ...object,
      metadata: OBJECT.metadata,
    });
    expect(JSON.parse(server.seen[1]?.body ?? "")).toEqual(object);
    expect(JSON.parse(server.seen[5]?.body ?? "")).toEqual({
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: "u" },
      gracePeriodSeconds: 0,
    });
  });

  test("list asks for a page and fills in what items lack", async () => {
    server.answer(
      json(200, { metadata: { resourceVersion: "9", continue: "next" }, items: [OBJECT] }),
    );
    const page = await aClient().list(
      SERVICES,
      { limit: 2, labelSelector: "a in (b,c)" },
      { signal },
    );
    expect(server.seen[0]?.url).toBe("/api/v1/services?limit=2&labelSelector=a+in+%28b%2Cc%29");
    expect(page).toEqual(
      ok({
        items: [{ apiVersion: "v1", kind: "Service", ...OBJECT }],
        resourceVersion: "9",
        continueToken: "next",
      }),
    );
  });

  test("an empty list may come as null", async () => {
    server.answer(json(200, { metadata: { resourceVersion: "9" }, items: null }));
    expect(await aClient().list(SERVICES, {}, { signal })).toEqual(
      ok({ items: [], resourceVersion: "9" }),
    );
  });

  test("connections are kept; one that died while idle is replaced without the caller's notice", async () => {
    server.answer(json(200, OBJECT));
    const client = aClient();
    await client.get(WEB, { signal });
    await client.get(WEB, { signal });
    expect(server.connections).toBe(1);
    server.cutAll();
    expect((await client.get(WEB, { signal })).ok).toBe(true);
  });

  test("a rejected token is renewed once", async () => {
    tokens = ["old", "new"];
    server.answer((response, seen) =>
      (seen.headers.authorization === "Bearer new"
        ? json(200, OBJECT)
        : status(401, "Unauthorized"))(response, seen),
    );
    const client = aClient();
    expect((await client.get(WEB, { signal })).ok).toBe(true);
    tokens = ["bad"];
    expect(await client.get(WEB, { signal })).toMatchObject(err({ kind: "forbidden" }));
    expect(server.seen).toHaveLength(3);
  });

  test("servedVersions keeps the server's order and leaves out versions without the resource", async () => {
    const documents: Record<string, unknown> = {
      "/apis/g": { versions: [{ version: "v2" }, { version: "v1" }, { version: "v0" }] },
      "/apis/g/v2": { resources: [{ name: "things" }, { name: "things/status" }] },
      "/apis/g/v1": { resources: [{ name: "other" }] },
      "/apis/g/v0": { resources: [{ name: "things" }] },
    };
    server.answer((response, seen) => {
      const document = documents[seen.url];
      (document === undefined ? status(404, "NotFound") : json(200, document))(response, seen);
    });
    expect(await aClient().servedVersions("g", "things", { signal })).toEqual(ok(["v2", "v0"]));
    expect(await aClient().servedVersions("none", "things", { signal })).toEqual(ok([]));
    server.answer(status(503, "ServiceUnavailable"));
    expect(await aClient().servedVersions("g", "things", { signal })).toMatchObject(
      err({ kind: "unavailable" }),
    );
  });
});

describe("HttpKubeClient watch", () => {
  const ADDED = line("ADDED", OBJECT);

  test("events arrive whole, however the bytes are split, and a clean end is undefined", async () => {
    const bookmark = line("BOOKMARK", { metadata: { resourceVersion: "12" } });
    const text = ADDED + line("MODIFIED", { metadata: { name: "ünï" } }) + bookmark;
    const bytes = Buffer.from(text);
    server.answer((response) => {
      response.writeHead(200);
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    const { events, end } = await watched(aClient());
    expect(end).toBeUndefined();
    expect(events).toEqual([
      { kind: "added", object: { apiVersion: "v1", kind: "Service", ...OBJECT } },
      {
        kind: "modified",
        object: { apiVersion: "v1", kind: "Service", metadata: { name: "ünï" } },
      },
      { kind: "bookmark", resourceVersion: "12" },
    ]);
    expect(server.seen[0]?.url).toBe(
      "/api/v1/services?resourceVersion=1&timeoutSeconds=300&watch=true&allowWatchBookmarks=true",
    );
  });

  test.each<{ name: string; answer: Answer; count: number; want: Partial<KubeError> }>([
    {
      name: "ERROR event 410",
      answer: stream(
        [ADDED, line("ERROR", { kind: "Status", code: 410, message: "too old" })],
        "never",
      ),
      count: 1,
      want: { kind: "gone", message: "too old" },
    },
    { name: "410 as the answer", answer: status(410, "Expired"), count: 0, want: { kind: "gone" } },
    {
      name: "a cut in the middle of a line",
      answer: stream([ADDED, '{"type":"ADD'], "cut"),
      count: 1,
      want: { kind: "unavailable" },
    },
    {
      name: "a clean end in the middle of a line",
      answer: stream([ADDED, '{"type":"ADD'], "clean"),
      count: 1,
      want: { kind: "unavailable", message: expect.stringContaining("must be a JSON object") },
    },
    {
      name: "an event type nobody knows",
      answer: stream([line("SURPRISE", OBJECT)], "never"),
      count: 0,
      want: { kind: "unavailable", message: expect.stringContaining('got "SURPRISE"') },
    },
    {
      name: "a line without end",
      answer: stream([ADDED, "x".repeat(9_000)], "never"),
      count: 1,
      want: { kind: "invalid", message: expect.stringContaining("at most 8192 bytes") },
    },
  ])(
    "$name ends it with the error, after the events before it",
    async ({ answer, count, want }) => {
      server.answer(answer);
      const { events, end } = await watched(aClient({ maxLineBytes: 8_192 }));
      expect(events).toHaveLength(count);
      expect(end).toMatchObject(want);
    },
  );

  test("aborting ends a quiet watch", async () => {
    const stop = new AbortController();
    server.answer((response, seen) => {
      stream([], "never")(response, seen);
      response.flushHeaders();
      setImmediate(() => stop.abort());
    });
    expect((await watched(aClient(), stop.signal)).end).toMatchObject({ kind: "aborted" });
  });

  test("a consumer that leaves closes the connection", async () => {
    const closed = new Promise<void>((resolve) => {
      server.answer((response, seen) => {
        response.on("close", () => resolve());
        stream([ADDED], "never")(response, seen);
      });
    });
    const query = { resourceVersion: "1", timeoutSeconds: 300 };
    for await (const event of aClient().watch(SERVICES, query, signal)) {
      expect(event.kind).toBe("added");
      break;
    }
    await closed;
  });
});

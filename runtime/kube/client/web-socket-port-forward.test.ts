import { once } from "node:events";
import http from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ok } from "../../../api/result.ts";
import type { PortForward } from "../port-forward.ts";
import { type PortForwardServer, startPortForwardServer } from "./port-forward.fixture.ts";
import { webSocketPortForward } from "./web-socket-port-forward.ts";

const { signal } = new AbortController();
const LIMITS = { timeoutMs: 10_000, signal };
let api: PortForwardServer;
let pod: Server;
let forward: PortForward;

beforeAll(async () => {
  api = await startPortForwardServer();
  // Says what it hears until it hears a full stop.
  pod = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      socket.write(bytes);
      if (bytes.includes(".")) socket.end();
    });
  });
  pod.listen(0, "127.0.0.1");
  await once(pod, "listening");
  const agent = new http.Agent();
  const connection = {
    headers: { authorization: "Bearer of-mine" },
    requestAgent: agent,
    watchAgent: agent,
  };
  forward = webSocketPortForward({
    server: api.server,
    connection: () => Promise.resolve(ok(connection)),
    refresh: () => false,
    close: () => undefined,
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await new Promise((resolve) => pod.close(resolve));
});

const portOf = (): number => (pod.address() as AddressInfo).port;
const to = (name: string, port = portOf()) => ({ namespace: "our system", pod: name, port });

test("bytes go both ways, as the user that the kubeconfig names, and the end is an end", async () => {
  const opened = await forward(to("web"), LIMITS);
  if (!opened.ok) throw new Error(opened.error);
  const long = "x".repeat(3_000);
  opened.value.write(long);
  opened.value.write(".");
  expect(await text(opened.value)).toBe(`${long}.`);
  opened.value.destroy();
  expect(api.asked.at(-1)).toEqual({
    path: `/api/v1/namespaces/our%20system/pods/web/portforward?ports=${portOf()}`,
    authorization: "Bearer of-mine",
  });
});

test("what goes wrong behind the API server destroys the stream, in its words", async () => {
  // Of the first port nobody has ever made use here.
  const opened = await forward(to("web", 1), LIMITS);
  if (!opened.ok) throw new Error(opened.error);
  await expect(text(opened.value)).rejects.toThrow(/error forwarding port \d+: .*ECONNREFUSED/);
});

test.each([
  ["forbidden", /it takes the verbs get and create of pods\/portforward in our system$/],
  ["absent", /port 1 of pod our system\/absent: the API server knows no port forwarding to it$/],
])("%s: says why there is no stream", async (name, says) => {
  expect(await forward(to(name, 1), LIMITS)).toEqual({
    ok: false,
    error: expect.stringMatching(says),
  });
});

test("an API server that says nothing is waited for no longer than said", async () => {
  expect(await forward(to("silent"), { timeoutMs: 20, signal })).toMatchObject({ ok: false });
});

test("who gives up ends the stream", async () => {
  const abort = new AbortController();
  const opened = await forward(to("web"), { timeoutMs: 10_000, signal: abort.signal });
  if (!opened.ok) throw new Error(opened.error);
  const closed = once(opened.value, "close");
  abort.abort();
  await closed;
});

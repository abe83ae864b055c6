import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { anImport, aSlice, port } from "../../dns-server/testing/objects.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { askPacketTest } from "./ask-packet-test.ts";
import type { ConnectionFact } from "./connection-fact.ts";
import { PacketTestServer } from "./packet-test-server.ts";

const { signal } = new AbortController();
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanup.splice(0)) await clean();
});

function ours<T extends KubeObject>(object: T): T {
  const labels = { ...object.metadata.labels, [LABEL_MANAGED_BY]: MANAGED_BY };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** A pod that listens. */
async function listener(): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => new Promise((resolve) => server.close(resolve)));
  return server;
}

type List = (resource: Resource) => Promise<Result<readonly KubeObject[], string>>;

/** Asks as a forwarded port does; `list` is what the API server has. */
async function packetTests(list: List) {
  const client = {
    list: async (resource: Resource) => {
      const items = await list(resource);
      return items.ok
        ? ok({ items: items.value, resourceVersion: "1" })
        : err({ kind: "unavailable", message: items.error });
    },
  } as unknown as KubeClient;
  const deps = { client, clock: systemClock, log: silentLogger };
  const server = new PacketTestServer({ host: "127.0.0.1", port: 0 }, deps);
  cleanup.push(() => server.stop());
  const bound = await server.start();
  if (!bound.ok) throw new Error(bound.error);
  return (name: string): Promise<Result<readonly ConnectionFact[], string>> => {
    const stream = connect(bound.value, "127.0.0.1");
    return askPacketTest({ namespace: "shop", name }, stream, signal);
  };
}

const world =
  (imports: readonly KubeObject[], slices: readonly KubeObject[]): List =>
  ({ plural }) =>
    Promise.resolve(ok(plural === ENDPOINT_SLICES.plural ? slices : imports));

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test("ports of the import and of an endpoint of each cluster are dialled, and what came of it is told", async () => {
  const open = portOf(await listener());
  const ask = await packetTests(
    world(
      [ours(anImport({ ips: ["127.0.0.1"], ports: [port("http", open)] }))],
      [ours(aSlice({ cluster: "west", endpoints: ["127.0.0.1"], ports: [port("http", 1)] }))],
    ),
  );
  expect(await ask("web")).toEqual(
    ok([
      { cluster: undefined, address: "127.0.0.1", port: open, failure: undefined },
      { cluster: "west", address: "127.0.0.1", port: 1, failure: expect.stringMatching(/REFUSED/) },
    ]),
  );
});

test("nothing is dialled but what our controllers have written", async () => {
  const server = await listener();
  const ports = [port("http", portOf(server))];
  let dialled = 0;
  server.on("connection", () => void (dialled += 1));
  const foreign = world(
    [anImport({ ips: ["127.0.0.1"], ports })],
    [aSlice({ endpoints: ["127.0.0.1"], ports })],
  );
  const ask = await packetTests(foreign);
  expect(await ask("web")).toEqual(ok([]));
  expect(await ask("absent")).toEqual(ok([]));
  expect(dialled).toBe(0);
});

test("what cannot be looked at is no test", async () => {
  const ask = await packetTests(() => Promise.resolve(err("the API server is away")));
  expect(await ask("web")).toEqual(err("the API server is away"));
});

test("more than two tests at once are put off", async () => {
  const asked: (() => void)[] = [];
  const ask = await packetTests(
    () => new Promise((resolve) => asked.push(() => resolve(err("enough")))),
  );
  const first = [ask("web"), ask("web")];
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(await ask("web")).toEqual(err("2 tests are under way: ask again in some seconds"));
  for (const answer of asked) answer();
  expect(await Promise.all(first)).toEqual([err("enough"), err("enough")]);
});

test("an answer of something else is none", async () => {
  const server = createServer((socket) => {
    socket.resume();
    socket.end("HTTP/1.1 200 OK\r\n\r\nhello");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => new Promise((resolve) => server.close(resolve)));
  const stream = connect(portOf(server), "127.0.0.1");
  expect(await askPacketTest({ namespace: "shop", name: "web" }, stream, signal)).toEqual(
    err("the answer to the packet test cannot be read"),
  );
});

test.each([
  { port: 0 },
  { host: "0.0.0.0", port: 0 },
  { host: "::", port: 0 },
  { host: "10.0.0.1", port: 0 },
])("nobody outside of the pod may ask: %j is refused", async (listen) => {
  const client = {} as KubeClient;
  const server = new PacketTestServer(listen, { client, clock: systemClock, log: silentLogger });
  expect(await server.start()).toEqual(
    err(expect.stringContaining("must be asked for on a loopback")),
  );
});

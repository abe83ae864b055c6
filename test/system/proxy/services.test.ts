import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { listenAnywhere, type Pair, slice, startPair } from "./proxy-world.ts";

// Which endpoint serves a connection, over real sockets. How it is chosen: `connectivity/proxy/dial/dial.test.ts`.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(more: Parameters<typeof startPair>[0] = {}): Promise<Pair> {
  const pair = await startPair(more);
  ends.push(() => pair.stop());
  return pair;
}

/** A server at this address that says its name to who connects; at any port if none is given. */
async function serve(name: string, address: string, port = 0): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(name);
    socket.resume();
  });
  server.listen(port, address);
  await once(server, "listening");
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Who serves a new connection, which stays. */
async function dial(port: number, localAddress = "127.0.0.1"): Promise<[string, Socket]> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => undefined);
  ends.push(() => socket.destroy());
  const [chunk] = await once(socket, "data");
  return [chunk.toString(), socket];
}

async function carryBoth({ east, west }: Pair, port: number): Promise<number> {
  const both = slice("east", "shop/db", { name: "main", port }, ["127.0.0.1", "127.0.0.2"]);
  east.node.putSlice(both);
  return listenAnywhere(west, (at) => slice("east", "shop/db", { name: "main", port: at }));
}

test("a tunnel carries connections both ways, whoever dialled it", async () => {
  const { east, west } = await start();
  expect(east.node.hub.peer(west.cluster)?.usable.every(({ facts }) => !facts.isDialler)).toBe(
    true,
  );
  const server = await serve("west's", "127.0.0.1");
  west.node.putSlice(slice("west", "shop/web", { name: "main", port: server }));
  const port = await listenAnywhere(east, (at) =>
    slice("west", "shop/web", { name: "main", port: at }),
  );
  expect((await dial(port))[0]).toBe("west's");
});

test("an endpoint that refuses costs no client its connection, is left alone for a while, and has its part again after that", async () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const pair = await start({ east: { clock } });
  const server = await serve("one", "127.0.0.1");
  const port = await carryBoth(pair, server);
  // With a connection at the one that is there, the other is tried first: three times, and then no more.
  for (let n = 0; n < 5; n++) expect((await dial(port))[0]).toBe("one");
  await serve("two", "127.0.0.2", server);
  expect((await dial(port))[0]).toBe("one");
  nowMs = 5_000;
  expect((await dial(port))[0]).toBe("two");
  expect((await dial(port))[0]).toBe("two");
});

test("with affinity a client comes back to its endpoint however many it has there, and clients differ", async () => {
  const pair = await start();
  const server = await serve("one", "127.0.0.1");
  await serve("two", "127.0.0.2", server);
  pair.east.imports.set("shop/db", {
    ports: [{ name: "main", protocol: "TCP", port: server }],
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  });
  const port = await carryBoth(pair, server);
  const seen = new Set<string>();
  for (let client = 1; client <= 16; client++) {
    const from = `127.0.1.${client}`;
    const [first] = await dial(port, from);
    seen.add(first);
    for (let n = 0; n < 3; n++) expect((await dial(port, from))[0]).toBe(first);
  }
  expect([...seen].toSorted()).toEqual(["one", "two"]);
});

test("two connections of a client go to two endpoints without affinity", async () => {
  const pair = await start();
  const server = await serve("one", "127.0.0.1");
  await serve("two", "127.0.0.2", server);
  const port = await carryBoth(pair, server);
  const names = [(await dial(port))[0], (await dial(port))[0]];
  expect(names.toSorted()).toEqual(["one", "two"]);
});

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { ANNOTATION_PROXY_PROTOCOL } from "../../../connectivity/proxy/dial/export-policy.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { listenAnywhere, type Pair, slice, startPair, until } from "./proxy-world.ts";

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

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
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

test("affinity lasts for its timeout after a client's latest connection, then the client goes where a new one would (IMP-21)", async () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const pair = await start({ east: { clock } });
  const server = await serve("one", "127.0.0.1");
  await serve("two", "127.0.0.2", server);
  pair.east.imports.set("shop/db", {
    ports: [{ name: "main", protocol: "TCP", port: server }],
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  });
  const port = await carryBoth(pair, server);
  const exported = (addresses: readonly string[]): void =>
    pair.east.node.putSlice(slice("east", "shop/db", { name: "main", port: server }, addresses));
  const dialAll = async (atMs: number): Promise<readonly string[]> => {
    nowMs = atMs;
    const clients = Array.from({ length: 16 }, (_, n) => `127.0.1.${n + 1}`);
    return Promise.all(clients.map(async (from) => (await dial(port, from))[0]));
  };
  const asNew = await dialAll(0);
  expect(new Set(asNew)).toEqual(new Set(["one", "two"]));
  // Endpoint one goes, and is back at once.
  exported(["127.0.0.2"]);
  const moved = await dialAll(1_000);
  expect(new Set(moved)).toEqual(new Set(["two"]));
  exported(["127.0.0.1", "127.0.0.2"]);
  expect(await dialAll(61_000)).toEqual(moved);
  expect(await dialAll(121_000)).toEqual(moved);
  expect(await dialAll(181_001)).toEqual(asNew);
});

/** Servers over IPv6 that say in hexadecimal what they were told, and who asks them. */
const OVER_IPV6 = {
  async TCP() {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      void readAll(socket).then((told) => socket.end(told.toString("hex")));
    });
    server.listen(0, "::1");
    await once(server, "listening");
    ends.push(() => server.close());
    return (server.address() as AddressInfo).port;
  },
  async UDP() {
    const server = createSocket("udp6", (datagram, from) => {
      server.send(datagram.toString("hex"), from.port, from.address);
    });
    server.bind(0, "::1");
    await once(server, "listening");
    ends.push(() => server.close());
    return server.address().port;
  },
};

const ASK_OVER_IPV6 = {
  async TCP(port: number) {
    const socket = connect(port, "::1");
    socket.end("hi");
    await once(socket, "connect");
    const { localPort: own = 0 } = socket;
    return { own, told: (await readAll(socket)).toString() };
  },
  async UDP(port: number) {
    const socket = createSocket("udp6");
    ends.push(() => socket.close());
    const answered = once(socket, "message");
    socket.send("hi", port, "::1");
    const [told] = await answered;
    return { own: socket.address().port, told: told.toString() };
  },
};

test.each(["TCP", "UDP"] as const)(
  "over IPv6 too a %s server is told who the client is (PROXY protocol section 2.2)",
  async (protocol) => {
    const pair = await start({ west: { clientHost: "::1", ownAddresses: ["::1"] } });
    pair.east.annotations.set("shop/seen", { [ANNOTATION_PROXY_PROTOCOL]: "v2" });
    const sliceAt = (port: number): EndpointSlice => ({
      ...slice("east", "shop/seen", { name: "main", protocol, port }, ["::1"]),
      addressType: "IPv6",
    });
    const server = await OVER_IPV6[protocol]();
    pair.east.node.putSlice(sliceAt(server));
    const port = await listenAnywhere(pair.west, sliceAt);
    const { own, told } = await ASK_OVER_IPV6[protocol](port);
    const family = protocol === "TCP" ? "21" : "22";
    const loopback = "1".padStart(32, "0");
    const ports = [own, server].map((each) => each.toString(16).padStart(4, "0")).join("");
    const cluster = `e00004${Buffer.from("west").toString("hex")}`;
    const text = Buffer.from("hi").toString("hex");
    expect(told).toBe(
      `0d0a0d0a000d0a515549540a21${family}002b${loopback}${loopback}${ports}${cluster}${text}`,
    );
  },
);

test("two connections of a client go to two endpoints without affinity", async () => {
  const pair = await start();
  const server = await serve("one", "127.0.0.1");
  await serve("two", "127.0.0.2", server);
  const port = await carryBoth(pair, server);
  const names = [(await dial(port))[0], (await dial(port))[0]];
  expect(names.toSorted()).toEqual(["one", "two"]);
});

test("a UDP endpoint that cannot be sent to costs its client the session, and nobody anything else", async () => {
  const pair = await start();
  pair.east.node.putSlice(
    // The system refuses to send to a broadcast address (EACCES), as to one that it has no route to.
    slice("east", "shop/dns", { name: "main", protocol: "UDP", port: 53 }, ["255.255.255.255"]),
  );
  const port = await listenAnywhere(pair.west, (at) =>
    slice("east", "shop/dns", { name: "main", protocol: "UDP", port: at }),
  );
  const client = createSocket("udp4");
  ends.push(() => client.close());
  client.send("hi", port, "127.0.0.1");
  await until("it is told", () => {
    const [line] = pair.west.node.countTraffic().services;
    return line?.errors["refused"] === 1;
  });
  const server = await serve("still here", "127.0.0.1");
  expect((await dial(await pair.carry(server)))[0]).toBe("still here");
});

test("a forged datagram from port 0, which nothing can be sent to, begins no session", async () => {
  const sockets: UdpSocket[] = [];
  const keep = (made: unknown): void => void sockets.push((made as { socket: UdpSocket }).socket);
  subscribe("udp.socket", keep);
  ends.push(() => unsubscribe("udp.socket", keep));
  const heard: string[] = [];
  const server = createSocket("udp4", (datagram, from) => {
    heard.push(datagram.toString());
    server.send(datagram, from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const pair = await start();
  const port = await pair.carry(server.address().port, "UDP", "shop/dns");
  const listener = sockets.at(-1);
  expect(listener?.address().port).toBe(port);
  const from = { address: "127.0.0.1", family: "IPv4", port: 0, size: 6 };
  listener?.emit("message", Buffer.from("forged"), from);
  const client = createSocket("udp4");
  ends.push(() => client.close());
  const answered = once(client, "message");
  client.send("good", port, "127.0.0.1");
  expect(String((await answered)[0])).toBe("good");
  expect([heard, pair.west.node.countTraffic().connections]).toEqual([["good"], 1]);
});

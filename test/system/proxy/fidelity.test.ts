import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ANNOTATION_PROXY_PROTOCOL } from "../../../connectivity/proxy/dial/export-policy.ts";
import type { ImportFacts } from "../../../connectivity/proxy/dial/service-dialler.ts";
import { listenAnywhere, type Pair, slice, startPair, until } from "./proxy-world.ts";

let pair: Pair;
const servers: Server[] = [];

beforeAll(async () => {
  pair = await startPair();
});

afterAll(async () => {
  await pair.stop();
  for (const server of servers) server.close();
});

/** A server behind the proxies; returns the port for clients. */
async function serve(onConnection: (socket: Socket) => unknown): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return pair.carry(port, "TCP", `shop/s${servers.length}`);
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("the client ends first: its end arrives, and all that the server says after it", async () => {
  const port = await serve(async (socket) => {
    const asked = await readAll(socket);
    for (let n = 0; n < 10; n++) socket.write(`${n} ${asked.toString()} `);
    socket.end("done");
  });
  const socket = await dial(port);
  socket.end("question");
  const answer = (await readAll(socket)).toString();
  expect(answer).toMatch(/^0 question 1 .* 9 question done$/);
});

test("the server ends first: its end arrives, and the client may go on", async () => {
  const heard = Promise.withResolvers<string>();
  const port = await serve(async (socket) => {
    socket.end("bye");
    heard.resolve((await readAll(socket)).toString());
  });
  const socket = await dial(port);
  expect((await readAll(socket)).toString()).toBe("bye");
  socket.write("still ");
  socket.end("here");
  expect(await heard.promise).toBe("still here");
});

test("a reset of the server is a reset for the client", async () => {
  const port = await serve((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const socket = await dial(port);
  socket.write("x");
  const [error] = await once(socket, "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
});

test("a reset of the client is a reset for the server", async () => {
  const seen = Promise.withResolvers<unknown>();
  const port = await serve((socket) => {
    socket.on("error", (error) => seen.resolve(error));
    socket.resume();
    socket.write("hello");
  });
  const socket = await dial(port);
  await once(socket, "data");
  socket.resetAndDestroy();
  expect(await seen.promise).toMatchObject({ code: "ECONNRESET" });
});

test("a server that is not there resets the client, and one that comes later is found", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("late");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: hidden } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const port = await pair.carry(hidden, "TCP", "shop/late");
  const socket = await dial(port);
  const [error] = await once(socket, "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
  servers.push(server);
  server.listen(hidden, "127.0.0.1");
  await once(server, "listening");
  expect((await readAll(await dial(port))).toString()).toBe("late");
});

test("a reader that stalls holds a bounded amount and stalls nobody else; when it reads on, all is there", async () => {
  const port = await serve((socket) => {
    const asked = socket.read();
    if (asked === null) socket.once("data", (size) => send(socket, Number(size)));
  });
  function send(socket: Socket, bytes: number): void {
    const chunk = Buffer.alloc(65_536, 7);
    let sent = 0;
    const more = (): void => {
      while (sent < bytes) {
        sent += chunk.length;
        if (!socket.write(chunk)) {
          socket.once("drain", more);
          return;
        }
      }
      socket.end();
    };
    more();
  }
  const total = 64 * 1024 * 1024;
  const stalled = await dial(port);
  stalled.write(String(total));
  stalled.pause();
  await new Promise((resolve) => setTimeout(resolve, 150));
  // Meanwhile others are served.
  for (let n = 0; n < 20; n++) {
    const other = await dial(port);
    other.write("65536");
    expect((await readAll(other)).length).toBe(65_536);
  }
  const held = pair.west.node.hub.peers.flatMap(({ all }) => all);
  const received = held.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  expect(received).toBeLessThan(32 * 1024 * 1024);
  expect((await readAll(stalled)).length).toBe(total);
});

test("1-byte writes arrive whole and in order", async () => {
  const port = await serve((socket) => socket.pipe(socket));
  const socket = await dial(port);
  socket.setNoDelay(true);
  const want = randomBytes(3_000);
  const echoed = readAll(socket);
  for (const byte of want) socket.write(Uint8Array.of(byte));
  socket.end();
  expect((await echoed).equals(want)).toBe(true);
});

test("a slow sender is waited for: a byte now and then", async () => {
  const port = await serve((socket) => socket.pipe(socket));
  const socket = await dial(port);
  const echoed = readAll(socket);
  for (const byte of "slow loris") {
    socket.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  socket.end();
  expect((await echoed).toString()).toBe("slow loris");
});

test("many megabytes both ways at once, with checksums", async () => {
  const port = await serve((socket) => socket.pipe(socket));
  const socket = await dial(port);
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    got.update(chunk);
    bytes += chunk.length;
  });
  const ended = once(socket, "end");
  for (let n = 0; n < 64; n++) {
    const chunk = randomBytes(1024 * 1024 + n);
    sent.update(chunk);
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  socket.end();
  await ended;
  expect(bytes).toBe(64 * 1024 * 1024 + (63 * 64) / 2);
  expect(got.digest("hex")).toBe(sent.digest("hex"));
});

test("a port that the two members name differently is found by its number (CON-24)", async () => {
  const named = (name: string, port: number): ImportFacts => ({
    ports: [{ name, protocol: "TCP", port }],
  });
  await serve((socket) => socket.end("found"));
  const service = `shop/s${servers.length}`;
  // West merges an older export that east may not see, and whose name for the port wins there.
  const port = await listenAnywhere(pair.west, (at) =>
    slice("east", service, { name: "sql", port: at }),
  );
  pair.west.imports.set(service, named("sql", 5432));
  pair.east.imports.set(service, named("main", 5432));
  expect((await readAll(await dial(port))).toString()).toBe("found");
  // A port of another number is not taken for it, whatever its name.
  pair.east.imports.set(service, named("main", 3306));
  const [error] = await once(await dial(port), "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
});

test("hundreds of streams at once, each its own", async () => {
  const port = await serve((socket) => socket.pipe(socket));
  const sockets = await Promise.all(Array.from({ length: 300 }, () => dial(port)));
  for (const [n, socket] of sockets.entries()) socket.write(`stream ${n}`);
  await until("all open", () => {
    const tunnels = pair.west.node.hub.peer(pair.east.cluster)?.all ?? [];
    return tunnels.reduce((sum, { streamCount }) => sum + streamCount, 0) >= 300;
  });
  // Both tunnels carry their part.
  for (const { streamCount } of pair.west.node.hub.peer(pair.east.cluster)?.all ?? []) {
    expect(streamCount).toBeGreaterThan(100);
  }
  const answers = sockets.map((socket) => readAll(socket));
  for (const socket of sockets) socket.end();
  const texts = (await Promise.all(answers)).map(String);
  expect(texts).toEqual(sockets.map((_, n) => `stream ${n}`));
});

test("connections one after the other leave nothing behind", async () => {
  const port = await serve((socket) => socket.end("hi"));
  const streams = (): number =>
    [pair.west, pair.east]
      .flatMap(({ node }) => node.hub.peers)
      .flatMap(({ all }) => all)
      .reduce((sum, { streamCount }) => sum + streamCount, 0);
  const before = streams();
  for (let n = 0; n < 200; n++) {
    const socket = await dial(port);
    const answer = readAll(socket);
    socket.end();
    expect((await answer).toString()).toBe("hi");
  }
  await until("no stream is left", () => streams() <= before);
});

test("UDP: a session without datagrams ends, and the next datagram begins another", async () => {
  const server = createSocket("udp4", (datagram, from) => {
    server.send(datagram, from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const quick = await startPair({ west: { udpIdleMs: 100 }, east: { udpIdleMs: 100 } });
  const port = await quick.carry(server.address().port, "UDP", "shop/dns");
  const client = createSocket("udp4");
  client.connect(port, "127.0.0.1");
  await once(client, "connect");
  const streams = (): number =>
    [quick.west, quick.east]
      .flatMap(({ node }) => node.hub.peers)
      .flatMap(({ all }) => all)
      .reduce((sum, { streamCount }) => sum + streamCount, 0);
  for (let n = 0; n < 2; n++) {
    const answered = once(client, "message");
    client.send(`datagram ${n}`);
    expect(String((await answered)[0])).toBe(`datagram ${n}`);
    await until("the session is over", () => streams() === 0);
  }
  client.close();
  server.close();
  await quick.stop();
});

test("UDP: datagrams of each client come back to it, whole", async () => {
  const server = createSocket("udp4", (datagram, from) => {
    server.send(Buffer.concat([Buffer.from("re: "), datagram]), from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const port = await pair.carry(server.address().port, "UDP", "shop/dns");
  const answers = Array.from({ length: 10 }, async (_, n) => {
    const client = createSocket("udp4");
    client.connect(port, "127.0.0.1");
    await once(client, "connect");
    const text = `datagram ${n} `.repeat(n === 9 ? 1_000 : 1);
    client.send(text);
    const [answer] = await once(client, "message");
    client.close();
    return answer.toString() === `re: ${text}`;
  });
  expect(await Promise.all(answers)).toEqual(answers.map(() => true));
  server.close();
});

test("UDP: with the PROXY protocol each datagram of a session says who the client is, answers do not", async () => {
  const server = createSocket("udp4", (datagram, from) => {
    const [length, port] = [datagram.readUInt16BE(14), datagram.readUInt16BE(24)];
    const address = datagram.subarray(16, 20).join(".");
    const text = datagram.subarray(16 + length).toString();
    server.send(`${datagram[13]} ${address} ${port} ${text}`, from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  pair.east.annotations.set("shop/seen", { [ANNOTATION_PROXY_PROTOCOL]: "v2" });
  const port = await pair.carry(server.address().port, "UDP", "shop/seen");
  const client = createSocket("udp4");
  client.connect(port, "127.0.0.1");
  await once(client, "connect");
  for (const text of ["first", "second"]) {
    const answered = once(client, "message");
    client.send(text);
    // 0x12: UDP over IPv4 (section 2.2).
    expect(String((await answered)[0])).toBe(`18 127.0.0.1 ${client.address().port} ${text}`);
  }
  client.close();
  server.close();
});

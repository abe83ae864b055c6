import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Pair, slice, startPair } from "./proxy-world.ts";
import {
  freePort,
  output,
  type RealServer,
  startPostgres,
  startServer,
  startUnbound,
  startWebSocketEcho,
} from "./real-servers.ts";

/** What people run, through two proxies: clients and servers are programs of others. */
let pair: Pair;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  pair = await startPair();
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
  await pair.stop();
});

/** Port for clients of a server that is stopped at the end. */
async function carried(starting: Promise<RealServer>, service: string): Promise<number> {
  const server = await starting;
  ends.push(() => server.stop());
  return pair.carry(server.port, "TCP", `shop/${service}`);
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test("HTTP/1.1: curl sends and fetches megabytes over one connection", async () => {
  const server = createHttpServer((request, response) => {
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => {
      response.end(request.method === "POST" ? hash.digest("hex") : "y".repeat(3_000_000));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const port = await pair.carry((server.address() as AddressInfo).port, "TCP", "shop/http");
  const url = `http://127.0.0.1:${port}/`;
  const body = "x".repeat(5_000_000);
  const args = ["-s", "-S", "--http1.1", "--data-binary", "@-", url];
  expect(await output("curl", args, { input: body })).toBe(sha256(body));
  const twice = await output("curl", ["-s", "-S", "-w", "%{num_connects} ", url, url]);
  expect(twice).toHaveLength(2 * (3_000_000 + 2));
  expect(twice.endsWith("0 ")).toBe(true);
});

test("HTTP/2: curl without TLS, as services inside a cluster speak it", async () => {
  const server = createHttp2Server((request, response) => {
    response.end(`${request.httpVersion} ${request.url} `.repeat(10_000));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const port = await pair.carry((server.address() as AddressInfo).port, "TCP", "shop/http2");
  const url = `http://127.0.0.1:${port}/a`;
  const said = await output("curl", ["-s", "-S", "--http2-prior-knowledge", url]);
  expect(said).toBe("2.0 /a ".repeat(10_000));
});

test("gRPC: a stream both ways, each message answered before the next is sent", async () => {
  const plain = (bytes: Buffer): Buffer => bytes;
  const method = {
    path: "/shop.Echo/Talk",
    requestStream: true,
    responseStream: true,
    requestSerialize: plain,
    requestDeserialize: plain,
    responseSerialize: plain,
    responseDeserialize: plain,
  };
  const talk: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on("data", (message: Buffer) => call.write(Buffer.from(`re: ${message.toString()}`)));
    call.on("end", () => call.end());
  };
  const server = new Server();
  server.addService({ talk: method }, { talk });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  ends.push(() => server.forceShutdown());
  const port = await pair.carry(bound, "TCP", "shop/grpc");
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  ends.push(() => client.close());
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(method.path, plain, plain);
  for (let n = 0; n < 50; n++) {
    call.write(Buffer.from(`message ${n}`));
    const [answer] = await once(call, "data");
    expect(answer.toString()).toBe(`re: message ${n}`);
  }
  call.end();
  const [status] = await once(call, "status");
  expect(status).toMatchObject({ code: 0 });
});

test("WebSocket: messages both ways over the connection that HTTP began", async () => {
  const port = await carried(startWebSocketEcho(), "chat");
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(socket, "open");
  for (const text of ["hello", "", "x".repeat(125)]) {
    socket.send(text);
    const [message] = await once(socket, "message");
    expect(message.data).toBe(text);
  }
  socket.close();
  const [closed] = await once(socket, "close");
  expect(closed.wasClean).toBe(true);
});

test("PostgreSQL: psql copies a table in and out, and hears that a query fails", async () => {
  const port = await carried(startPostgres(), "sql");
  const psql = (...commands: readonly string[]): Promise<string> =>
    output("psql", [
      ...["-h", "127.0.0.1", "-p", String(port), "-U", "isthmus", "-d", "postgres", "-X", "-q"],
      ...["-v", "ON_ERROR_STOP=1", "-A", "-t", ...commands.flatMap((each) => ["-c", each])],
    ]);
  const rows = "select n, md5(n::text) from generate_series(1, 50000) n";
  await psql(`create table t as ${rows}`);
  const text = await psql("copy t to stdout");
  expect(text.split("\n")).toHaveLength(50_001);
  const same = await psql(
    "select count(*), md5(string_agg(n || ' ' || md5, ',' order by n)) from t",
    `select count(*), md5(string_agg(n || ' ' || md5, ',' order by n)) from (${rows}) s`,
  );
  const [stored, made] = same.trim().split("\n");
  expect(stored).toBe(made);
  await expect(psql("select 1/0")).rejects.toThrow("division by zero");
});

test("Redis: redis-cli stores a megabyte and gets it back; redis-benchmark pipelines", async () => {
  const port = await carried(
    startServer("redis-server", (at) => [
      ...["--port", String(at), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    ]),
    "redis",
  );
  const redis = (args: readonly string[], input = ""): Promise<string> =>
    output("redis-cli", ["-p", String(port), ...args], { input });
  const value = "0123456789abcdef".repeat(65_536);
  expect(await redis(["-x", "set", "key"], value)).toBe("OK\n");
  expect(await redis(["get", "key"])).toBe(`${value}\n`);
  const args = ["-p", String(port), "-q", "-n", "2000", "-c", "20", "-P", "16", "-t", "set,get"];
  const said = await output("redis-benchmark", args);
  expect(said).toMatch(/SET: [\d.]+ requests per second/);
  expect(said).toMatch(/GET: [\d.]+ requests per second/);
});

/** One port for clients, TCP and UDP, of a server that has both on one port. */
async function carryBoth(server: number, service: string): Promise<number> {
  const clients = await freePort();
  for (const protocol of ["TCP", "UDP"] as const) {
    const name = protocol.toLowerCase();
    pair.east.node.putSlice(slice("east", service, { name, protocol, port: server }));
    pair.west.node.putSlice(slice("east", service, { name, protocol, port: clients }));
  }
  await pair.west.node.applyImports();
  expect(pair.west.node.listeners.problems).toEqual([]);
  return clients;
}

test("DNS: dig asks unbound over UDP, and over TCP", async () => {
  const server = await startUnbound();
  ends.push(() => server.stop());
  const port = await carryBoth(server.port, "shop/dns");
  for (const way of ["+notcp", "+tcp"]) {
    const args = ["@127.0.0.1", "-p", String(port), way, "+short", "+tries=5", "web.test", "A"];
    expect(await output("dig", args)).toBe("192.0.2.7\n");
  }
});

test("iperf3 over UDP: datagrams arrive whole, and the two ends agree on how many", async () => {
  const server = await startServer("iperf3", (port) => ["-s", "-p", String(port)]);
  ends.push(() => server.stop());
  const port = await carryBoth(server.port, "shop/iperf");
  const args = ["-c", "127.0.0.1", "-p", String(port), "-u", "-b", "20M", "-l", "1200", "-t", "1"];
  const { end } = JSON.parse(await output("iperf3", [...args, "-J"]));
  expect(end.sum_sent.packets).toBeGreaterThan(500);
  expect(end.sum_received.packets).toBeGreaterThan(end.sum_sent.packets / 2);
  expect(end.sum_received.lost_packets).toBeLessThan(end.sum_sent.packets / 2);
});

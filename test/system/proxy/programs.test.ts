import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ANNOTATION_PROXY_PROTOCOL } from "../../../connectivity/proxy/dial/export-policy.ts";
import {
  talkDns,
  talkHttp,
  talkHttp2,
  talkIperf,
  talkPostgres,
  talkRedis,
} from "../../programs/debian-clients.ts";
import {
  type RealServer,
  startIperf,
  startPostgres,
  startRedis,
  startUnbound,
} from "../../programs/debian-servers.ts";
import { talkGrpc, talkWebSocket } from "../../programs/node-clients.ts";
import { serveGrpc, serveHttp, serveHttp2, serveWebSocket } from "../../programs/node-servers.ts";
import { freePort, LOOPBACK, output } from "../../programs/place.ts";
import { type Pair, slice, startPair } from "./proxy-world.ts";

/** What people run, through two proxies: clients and servers are programs of others. */
const HOST = "127.0.0.1";
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

test("HTTP/1.1: curl sends and fetches megabytes over one connection", async () => {
  await talkHttp(LOOPBACK, HOST, await carried(serveHttp(HOST, 0), "http"));
});

test("HTTP/2: curl without TLS, as services inside a cluster speak it", async () => {
  await talkHttp2(LOOPBACK, HOST, await carried(serveHttp2(HOST, 0), "http2"));
});

test("gRPC: a stream both ways, each message answered before the next is sent", async () => {
  await talkGrpc(HOST, await carried(serveGrpc(HOST, 0), "grpc"));
});

test("WebSocket: messages both ways over the connection that HTTP began", async () => {
  await talkWebSocket(HOST, await carried(serveWebSocket(HOST, 0), "chat"));
});

test("PostgreSQL: psql copies a table in and out, and hears that a query fails", async () => {
  await talkPostgres(LOOPBACK, HOST, await carried(startPostgres(LOOPBACK), "sql"));
});

test("Redis: redis-cli stores a megabyte and gets it back; redis-benchmark pipelines", async () => {
  await talkRedis(LOOPBACK, HOST, await carried(startRedis(LOOPBACK), "redis"));
});

/** One port for clients, TCP and UDP, of a server that has both on one port. */
async function carriedBoth(starting: Promise<RealServer>, name: string): Promise<number> {
  const server = await starting;
  ends.push(() => server.stop());
  const service = `shop/${name}`;
  const clients = await freePort();
  for (const protocol of ["TCP", "UDP"] as const) {
    const name = protocol.toLowerCase();
    pair.east.node.putSlice(slice("east", service, { name, protocol, port: server.port }));
    pair.west.node.putSlice(slice("east", service, { name, protocol, port: clients }));
  }
  await pair.west.node.applyImports();
  expect(pair.west.node.listeners.problems).toEqual([]);
  return clients;
}

test("DNS: dig asks unbound over UDP, and over TCP", async () => {
  await talkDns(LOOPBACK, HOST, await carriedBoth(startUnbound(LOOPBACK), "dns"));
});

test("DNS: unbound reads who the client is from the PROXY protocol, of each datagram and of a TCP connection", async () => {
  const folder = mkdtempSync(join(tmpdir(), "isthmus-queries-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const log = join(folder, "log");
  const starting = startUnbound(LOOPBACK, (at) => [
    `proxy-protocol-port: ${at}`,
    `logfile: "${log}"`,
    "log-queries: yes",
  ]);
  pair.east.annotations.set("shop/dns-proxied", { [ANNOTATION_PROXY_PROTOCOL]: "v2" });
  const port = await carriedBoth(starting, "dns-proxied");
  for (const [way, client] of [
    ["+notcp", "127.0.0.8"],
    ["+tcp", "127.0.0.9"],
  ] as const) {
    const args = [`@${HOST}`, "-p", String(port), "-b", client, way, "+short", "+tries=5"];
    expect(await output(LOOPBACK, ["dig", ...args, "web.test", "A"])).toBe("192.0.2.7\n");
    expect(readFileSync(log, "utf8")).toContain(` ${client} web.test. A IN`);
  }
});

test("iperf3 over UDP: datagrams arrive whole, and the two ends agree on how many", async () => {
  await talkIperf(LOOPBACK, HOST, await carriedBoth(startIperf(LOOPBACK), "iperf"));
});

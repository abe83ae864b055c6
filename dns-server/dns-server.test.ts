import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { decode, encode } from "dns-packet";
import { afterEach, describe, expect, test } from "vitest";
import type { EndpointSlice } from "../api/kube/endpoint-slice.ts";
import type { Namespace } from "../api/kube/namespace.ts";
import type { ServiceImport } from "../api/mcs/service-import.ts";
import { err } from "../api/result.ts";
import { systemClock } from "../runtime/clock/system-clock.ts";
import { ObjectStore } from "../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../runtime/metrics/prometheus-meter.ts";
import { type DnsServer, startDnsServer } from "./dns-server.ts";
import type { DnsServerOptions } from "./server-options.ts";
import { messageText } from "./testing/message-text.ts";
import { UDP_ENGINES } from "./testing/native-addon.ts";
import { aNamespace, anImport, aSlice, port } from "./testing/objects.ts";
import { queryPacket } from "./testing/test-responder.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);
const running: DnsServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
  for (const socket of sockets.splice(0)) socket.close();
});

function views() {
  const log = silentLogger;
  const imports = new ObjectStore<ServiceImport>({}, { log });
  const slices = new ObjectStore<EndpointSlice>({}, { log });
  const namespaces = new ObjectStore<Namespace>({}, { log });
  namespaces.put(aNamespace("shop"));
  imports.put(anImport({ ips: ["10.96.0.1"], ports: [port("http", 80)] }));
  imports.put(anImport({ key: "shop/db", isHeadless: true }));
  slices.put(
    aSlice({
      key: "shop/db",
      endpoints: Array.from({ length: 200 }, (_, index) => `10.1.0.${index}`),
    }),
  );
  return { imports, slices, namespaces };
}

async function startServer(options: Partial<DnsServerOptions> = {}, isSynced = true) {
  const world = views();
  if (isSynced) for (const view of Object.values(world)) view.markSynced();
  const meter = new PrometheusMeter();
  const started = await startDnsServer(
    { listen: { host: "127.0.0.1", port: 0 }, ...options },
    { ...world, clock: systemClock, log: silentLogger, meter },
  );
  if (!started.ok) throw new Error(started.error);
  running.push(started.value);
  if (isSynced) await expect.poll(() => started.value.isReady()).toBe(true);
  return { server: started.value, port: started.value.address.port, meter, ...world };
}

async function udp(toPort: number, packet: Buffer, host = "127.0.0.1"): Promise<Buffer> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  sockets.push(socket);
  socket.send(packet, toPort, host);
  const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(15_000) });
  return Buffer.from(answer);
}

async function tcp(toPort: number, packet: Buffer): Promise<Buffer> {
  const socket = connect(toPort, "127.0.0.1");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  socket.write(Buffer.concat([length, packet]));
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) break;
  }
  return received.subarray(2);
}

const WEB = "web.shop.svc.clusterset.local A";
const DB = "db.shop.svc.clusterset.local A";
const WEB_ANSWER = ["NOERROR aa", "web.shop.svc.clusterset.local 5 IN A 10.96.0.1"];

describe.each(UDP_ENGINES)("the server on sockets, datagrams by %s", (udpEngine) => {
  const start = (options: Partial<DnsServerOptions> = {}, isSynced = true) =>
    startServer({ udpEngine, ...options }, isSynced);

  test("answers on one port by UDP and TCP", async () => {
    const { port } = await start();
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
    expect(messageText(await tcp(port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
  });

  test("DNS-44: what UDP truncates, TCP carries", async () => {
    const { port } = await start();
    const short = decode(await udp(port, queryPacket(DB)));
    expect(short.flag_tc).toBe(true);
    expect(short.answers?.length).toBeLessThan(200);
    const whole = decode(await tcp(port, queryPacket(DB)));
    expect(whole.flag_tc).toBe(false);
    expect(whole.answers).toHaveLength(200);
  });

  test.skipIf(!hasIpv6)("IPv6 and every address", async () => {
    const onV6 = await start({ listen: { host: "::1", port: 0 } });
    expect(messageText(await udp(onV6.port, queryPacket(WEB), "::1"))).toEqual(WEB_ANSWER);
    const onAll = await start({ listen: { port: 0 } });
    expect(messageText(await udp(onAll.port, queryPacket(WEB), "::1"))).toEqual(WEB_ANSWER);
    expect(messageText(await udp(onAll.port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
    const onName = await start({ listen: { host: "localhost", port: 0 } });
    expect(onName.server.isReady()).toBe(true);
  });

  test("a change is in the answers at once", async () => {
    const { port, imports } = await start();
    await udp(port, queryPacket(WEB));
    imports.put(anImport({ ips: ["10.96.0.2"] }));
    await expect
      .poll(async () => messageText(await udp(port, queryPacket(WEB)))[1], { interval: 5 })
      .toBe("web.shop.svc.clusterset.local 5 IN A 10.96.0.2");
  });

  test("DNS-42: before the views have synced it listens, says SERVFAIL and is not ready", async () => {
    const { port, server, imports, slices, namespaces } = await start({}, false);
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(["SERVFAIL"]);
    expect(server.isReady()).toBe(false);
    for (const view of [imports, slices, namespaces]) view.markSynced();
    await expect.poll(() => server.isReady()).toBe(true);
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
  });

  test("goes on after rubbish", async () => {
    const { port } = await start();
    const socket = createSocket("udp4");
    sockets.push(socket);
    for (let length = 0; length < 100; length++) {
      socket.send(Buffer.alloc(length, length), port, "127.0.0.1");
    }
    const rubbish = connect(port, "127.0.0.1");
    rubbish.on("error", () => undefined);
    rubbish.end(Buffer.alloc(5000, 1));
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
    expect(messageText(await tcp(port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
  });

  test("stop frees the port, twice is once", async () => {
    const { server, port } = await start();
    await Promise.all([server.stop(), server.stop()]);
    const again = await start({ listen: { host: "127.0.0.1", port } });
    expect(again.port).toBe(port);
  });
});

describe.each(UDP_ENGINES)("other zones, datagrams by %s", (udpEngine) => {
  const OTHER = "www.example.com A";
  const RD = { flags: 0x0100, ednsBytes: 1232 };

  /** An upstream that answers when told to. */
  async function upstream() {
    const socket = createSocket("udp4");
    sockets.push(socket);
    const asked: (() => void)[] = [];
    socket.on("message", (query, peer) => {
      const { id = 0, questions = [] } = decode(query);
      const answers = [{ name: "www.example.com", type: "A" as const, ttl: 60, data: "192.0.2.7" }];
      const response = encode({ type: "response", id, flags: 0x0180, questions, answers });
      asked.push(() => socket.send(response, peer.port, peer.address));
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return { address: `127.0.0.1:${socket.address().port}`, asked };
  }

  test("are asked at an upstream, once, while its own goes on without it", async () => {
    const { address, asked } = await upstream();
    const { port, server, meter } = await startServer({ udpEngine, forward: [address] }, false);
    const other = udp(port, queryPacket(OTHER, RD));
    await expect.poll(() => asked.length).toBe(1);
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(["SERVFAIL"]);
    asked[0]?.();
    expect(messageText(await other)).toEqual(["NOERROR rd", "www.example.com 60 IN A 192.0.2.7"]);
    expect(messageText(await udp(port, queryPacket(OTHER, RD)))[1]).toMatch(/ IN A 192.0.2.7$/);
    expect(asked.length).toBe(1);
    expect(await meter.text()).toContain("isthmus_dns_forward_cache_entries 1");
    expect(server.isReady()).toBe(false);
  });

  test("nobody there: SERVFAIL within the time limits", async () => {
    const { address } = await upstream();
    const { port, meter } = await startServer({
      udpEngine,
      forward: [address],
      forwardTimeoutMs: 20,
    });
    expect(messageText(await udp(port, queryPacket(OTHER, RD)))).toEqual(["SERVFAIL rd"]);
    expect(await meter.text()).toContain('isthmus_dns_forwarded_total{result="no-answer"} 1');
  });
});

test("RFC 7766, 6.2.1.1: on one connection a slow upstream does not hold up what is known", async () => {
  const { createServer } = await import("node:net");
  const upstream = createServer((socket) => {
    socket.on("data", (query) => {
      query.writeUInt16BE(0x8180, 4);
      slow.resolve(() => socket.write(query));
    });
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const slow = Promise.withResolvers<() => void>();
  const at = upstream.address();
  const forward = [`127.0.0.1:${typeof at === "object" ? at?.port : 0}`];
  const { port } = await startServer({ forward });
  const client = connect(port, "127.0.0.1");
  const frames = [
    queryPacket("www.example.com A", { id: 1, flags: 0x0100 }),
    queryPacket(WEB, { id: 2 }),
  ].map((packet) => Buffer.concat([Buffer.from([0, packet.length]), packet]));
  const ids: number[] = [];
  let rest = Buffer.alloc(0);
  client.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      ids.push(rest.readUInt16BE(2));
      rest = rest.subarray(2 + rest.readUInt16BE(0));
    }
  });
  // The client closes its side at once: it still gets both answers.
  client.end(Buffer.concat(frames));
  const answer = await slow.promise;
  await expect.poll(() => ids).toEqual([2]);
  answer();
  await once(client, "close");
  expect(ids).toEqual([2, 1]);
  upstream.close();
});

describe("other options while it runs", () => {
  const start = startServer;

  const soa = async (port: number): Promise<number> => {
    const [answer] = decode(await udp(port, queryPacket("clusterset.local SOA"))).answers ?? [];
    return answer?.type === "SOA" ? (answer.data.serial ?? 0) : 0;
  };

  test("are in the answers once their zone is whole, without a gap and with a later serial", async () => {
    const { port, server } = await start();
    const before = await soa(port);
    expect(server.reconfigure({ ttlSeconds: 77, allow: ["127.0.0.0/8"] }).ok).toBe(true);
    for (;;) {
      const [head, record = ""] = messageText(await udp(port, queryPacket(WEB)));
      expect(head).toBe("NOERROR aa");
      if (record.includes(" 77 IN A ")) break;
    }
    expect(await soa(port)).toBeGreaterThan(before);
    expect(server.reconfigure({ allow: ["192.0.2.0/24"] }).ok).toBe(true);
    await expect
      .poll(async () => messageText(await udp(port, queryPacket(WEB))))
      .toEqual(["REFUSED"]);
  });

  test("of two in a row the last counts", async () => {
    const { port, server } = await start();
    server.reconfigure({ ttlSeconds: 1 });
    server.reconfigure({ zone: "global.example" });
    const moved = "web.shop.svc.global.example A";
    await expect
      .poll(async () => messageText(await udp(port, queryPacket(moved)))[1])
      .toBe("web.shop.svc.global.example 5 IN A 10.96.0.1");
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(["REFUSED"]);
  });

  test("count at once as long as there is no zone", async () => {
    const { port, server, imports, slices, namespaces } = await start({}, false);
    server.reconfigure({ zone: "global.example" });
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(["REFUSED"]);
    for (const view of [imports, slices, namespaces]) view.markSynced();
    await expect.poll(() => server.isReady()).toBe(true);
  });

  test("that are wrong change nothing and are told", async () => {
    const { port, server } = await start();
    expect(server.reconfigure({ ttlSeconds: -1 })).toEqual(
      err(expect.stringContaining("cannot parse ttl")),
    );
    expect(messageText(await udp(port, queryPacket(WEB)))).toEqual(WEB_ANSWER);
  });
});

describe.each(UDP_ENGINES)("errors name what failed, datagrams by %s", (udpEngine) => {
  const start = (options: Partial<DnsServerOptions> = {}) => startServer({ udpEngine, ...options });

  test("a port in use, by UDP or by TCP", async () => {
    const { port } = await start();
    const world = views();
    const deps = { ...world, clock: systemClock, log: silentLogger, meter: new PrometheusMeter() };
    expect(await startDnsServer({ listen: { host: "127.0.0.1", port }, udpEngine }, deps)).toEqual(
      err(`cannot listen on udp 127.0.0.1:${port}: address in use by another process`),
    );
  });

  test("a port that only TCP lacks frees the UDP port again", async () => {
    const { createServer } = await import("node:net");
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const address = blocker.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const deps = {
      ...views(),
      clock: systemClock,
      log: silentLogger,
      meter: new PrometheusMeter(),
    };
    expect(await startDnsServer({ listen: { host: "127.0.0.1", port }, udpEngine }, deps)).toEqual(
      err(`cannot listen on tcp 127.0.0.1:${port}: address in use by another process`),
    );
    blocker.close();
    await once(blocker, "close");
    expect((await start({ listen: { host: "127.0.0.1", port } })).port).toBe(port);
  });

  test.each([
    {
      options: { udpPayloadBytes: 511 },
      error: "cannot parse udp payload size: must be 512 to 4096 bytes: got 511",
    },
    { options: { udpPayloadBytes: 4097 }, error: "got 4097" },
    { options: { ttlSeconds: 9999 }, error: "cannot parse ttl" },
    { options: { allow: ["ten"] }, error: "cannot parse allow: must be an IP address" },
    { options: { rateLimit: 0 }, error: "cannot parse rate limit: must be a whole number" },
    { options: { rateLimitExempt: ["x"] }, error: "cannot parse rate limit exemption" },
    { options: { headlessEndpointsMax: 1.5 }, error: "cannot parse headless subset" },
    { options: { cookieSecrets: ["1234"] }, error: "cannot parse cookie secret" },
    { options: { balancing: { localCluster: "East" } }, error: "cluster id" },
    { options: { forward: ["dns.example"] }, error: "cannot parse upstream: must be an IP" },
    { options: { forward: ["10.0.0.1:0"] }, error: 'got "10.0.0.1:0"' },
    { options: { forwardAllow: ["x"] }, error: "cannot parse forward allow" },
    { options: { forwardTimeoutMs: 0 }, error: "cannot parse forward timeout" },
    { options: { forwardCacheSeconds: 86_401 }, error: "cannot parse forward cache: must be" },
    { options: { forwardStaleSeconds: 604_801 }, error: "cannot parse forward stale: must be" },
    { options: { nsid: "" }, error: "cannot parse nsid" },
    { options: { tcpConnectionsMax: 0 }, error: "cannot parse tcp connectionsMax" },
    {
      options: { listen: { host: "no.such.host.invalid", port: 0 } },
      error: "cannot listen on udp no.such.host.invalid:0",
    },
    {
      options: { listen: { host: "192.0.2.1", port: 0 } },
      error: "cannot listen on udp 192.0.2.1:0: this machine does not have the address",
    },
  ])("$error", async ({ options, error }) => {
    const deps = {
      ...views(),
      clock: systemClock,
      log: silentLogger,
      meter: new PrometheusMeter(),
    };
    expect(
      await startDnsServer({ listen: { host: "127.0.0.1", port: 0 }, udpEngine, ...options }, deps),
    ).toEqual(err(expect.stringContaining(error)));
  });
});

test("metrics count queries by type, code and transport, truncations, drops and the zone", async () => {
  const { port, server, meter } = await startServer();
  await udp(port, queryPacket(WEB));
  await udp(port, queryPacket(WEB));
  await tcp(port, queryPacket("no.shop.svc.clusterset.local AAAA"));
  await udp(port, queryPacket(DB));
  await udp(port, queryPacket("web.shop.svc.clusterset.local MX"));
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.send(Buffer.from("not dns"), port, "127.0.0.1");
  await expect
    .poll(() => meter.text())
    .toContain('isthmus_dns_dropped_total{reason="unanswerable"} 1');
  await server.stop();
  const text = await meter.text();
  for (const line of [
    'isthmus_dns_queries_total{type="A",code="NOERROR",transport="udp"} 3',
    'isthmus_dns_queries_total{type="AAAA",code="NXDOMAIN",transport="tcp"} 1',
    'isthmus_dns_queries_total{type="other",code="NOERROR",transport="udp"} 1',
    "isthmus_dns_truncated_total 1",
    "isthmus_dns_zone_services 2",
    "isthmus_dns_zone_names 205",
    "isthmus_dns_zone_rebuild_seconds_count 1",
  ]) {
    expect(text).toContain(line);
  }
  expect(text).toMatch(/^isthmus_dns_zone_age_seconds \d/m);
});

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTls } from "node:tls";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemberMessage } from "../../api/broker/broker.gen.ts";
import type { EndpointsRow } from "../../api/broker/row.ts";
import { BROKER_SERVER_NAME } from "../../broker/identity/authority/certificate-authority.ts";
import { parsePolicy } from "../../broker/policy/parse-policy.ts";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { LIMITS } from "../../broker/wire/limits.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { BrokerWorld, type Credentials, type TestStream } from "./broker-world.ts";
import { until } from "./until.ts";

/** What a careful admin of the hub writes: pods of each cluster, no Service addresses, no nodes. */
const POLICY = `
defaults:
  export: { allow: [shop, team-*] }
  import: { deny: [secret] }
  maxExports: 20
  maxRowBytes: 65536
clusters:
  a:
    cidrs: [10.1.0.0/16, "fd00:1::/64"]
  slow:
    writesPerSecond: 50
`;

let world: BrokerWorld;
let store: MemoryStore;
let broker: RunningBroker;
let meter: PrometheusMeter;
beforeEach(async () => {
  const parsed = parsePolicy(POLICY);
  if (!parsed.ok) throw new Error(parsed.error);
  world = await BrokerWorld.create();
  store = new MemoryStore("e1");
  meter = new PrometheusMeter();
  broker = await world.startBroker(store, { meter, policy: unchanging(parsed.value) });
});
afterEach(() => world[Symbol.asyncDispose]());

async function member(
  clusterId: string,
  incarnation: number,
  namespaces: readonly string[] = ["shop"],
): Promise<TestStream> {
  const stream = world.open(broker, await world.certify(clusterId, incarnation));
  stream.hello({ namespaces: [...namespaces] });
  await stream.hear("ownRowsEnd");
  stream.complete();
  await stream.hear("synced");
  return stream;
}

function at(address: string, addressType: "IPv4" | "IPv6"): EndpointsRow {
  const endpoints = [{ addresses: [address], ready: true, serving: true, terminating: false }];
  return anEndpointsRow({ addressType, endpoints });
}

function sizeOf(clusterId: string): number {
  return store.table.owner(testCluster(clusterId))?.size ?? 0;
}

describe("foreign namespaces (SEC-04)", () => {
  test("are not written to, however they are written", async () => {
    const [a, b] = [await member("a", 1), await member("b", 2, ["kube-system", "shopping"])];
    const tried = ["kube-system", "default", "shopping", "team", "Shop", "shop/web", "", "team-*"];
    tried.forEach((namespace, index) => a.put(index + 1, anExportRow({ namespace })));
    await a.hear("refused", ({ sequence }) => sequence === tried.length);
    expect(a.count("refused")).toBe(tried.length);
    expect(sizeOf("a")).toBe(0);
    a.put(100, anExportRow({ namespace: "team-red" }));
    await a.hear("stored", ({ sequence }) => sequence === 100);
    b.ping();
    await b.hear("pong");
    expect(b.count("rowPut")).toBe(0);
  });

  test("are not read from, however they are asked for (I2)", async () => {
    const [a, b] = [await member("a", 1), await member("b", 2)];
    // Kept from members by the hub, though exporting there were allowed.
    const open = parsePolicy("clusters: {b: {import: {deny: [secret]}}}");
    if (!open.ok) throw new Error(open.error);
    const other = await world.startBroker(store, { policy: unchanging(open.value) });
    a.cancel();
    b.cancel();
    const writer = world.open(other, await world.certify("a", 1));
    writer.hello();
    await writer.hear("ownRowsEnd");
    writer.put(1, anExportRow({ namespace: "secret" }));
    writer.put(2, anExportRow({ namespace: "shop" }));
    writer.complete();
    await writer.hear("stored", ({ sequence }) => sequence === 2);
    const reader = world.open(other, await world.certify("b", 2));
    const known = [{ clusterId: "a", incarnation: 1, sequence: 0 }];
    reader.hello({ namespaces: ["secret"], known, storeEpoch: "e1" });
    await reader.hear("synced");
    reader.subscribe(1, ["secret", "shop"]);
    reader.subscribe(2, [], ["secret"]);
    reader.subscribe(3, ["secret"]);
    await reader.hear("synced", ({ generation }) => generation === 3);
    writer.put(3, anExportRow({ namespace: "secret", createdAtMs: 5 }));
    writer.delete(4, anExportRow({ namespace: "secret" }));
    writer.put(5, anExportRow({ namespace: "shop", createdAtMs: 5 }));
    await reader.hear("rowPut", ({ sequence }) => sequence === 5);
    const named = reader.heard.flatMap((said) => {
      if (said.$case === "rowPut") return [said.value.row?.namespace];
      return said.$case === "rowDelete" ? [said.value.key.split("/")[1]] : [];
    });
    expect(new Set(named)).toEqual(new Set(["shop"]));
    expect((await reader.hear("importsDenied")).namespaces).toEqual(["secret"]);
  });
});

describe("addresses that would reach something else (SEC-06)", () => {
  test.each([
    { name: "loopback", address: "127.0.0.1", family: "IPv4" },
    { name: "loopback, IPv6", address: "::1", family: "IPv6" },
    { name: "link-local", address: "169.254.0.9", family: "IPv4" },
    { name: "link-local, IPv6", address: "fe80::1", family: "IPv6" },
    { name: "a cloud's metadata service", address: "169.254.169.254", family: "IPv4" },
    { name: "that through a NAT64 gateway", address: "64:ff9b::169.254.169.254", family: "IPv6" },
    { name: "IPv4 under another name", address: "::ffff:127.0.0.1", family: "IPv6" },
    { name: "and in hexadecimal", address: "::ffff:a9fe:a9fe", family: "IPv6" },
    { name: "and in the old form", address: "::127.0.0.1", family: "IPv6" },
    { name: "with a zone", address: "fe80::1%eth0", family: "IPv6" },
    { name: "inside, with a zone", address: "fd00:1::1%lo", family: "IPv6" },
    { name: "this host", address: "0.0.0.0", family: "IPv4" },
    { name: "everybody", address: "255.255.255.255", family: "IPv4" },
    { name: "multicast", address: "224.0.0.1", family: "IPv4" },
    { name: "the importers' Services", address: "10.96.0.1", family: "IPv4" },
    { name: "another cluster's pods", address: "10.2.0.1", family: "IPv4" },
    { name: "the internet", address: "8.8.8.8", family: "IPv4" },
    { name: "octal", address: "0177.0.0.1", family: "IPv4" },
    { name: "a number", address: "2130706433", family: "IPv4" },
    { name: "a name", address: "localhost", family: "IPv4" },
    { name: "a family it does not have", address: "10.1.0.1", family: "IPv6" },
  ] as const)("are refused with the address: $name", async ({ address, family }) => {
    const [a, b] = [await member("a", 1), await member("b", 2)];
    a.put(1, at(address, family));
    const { reason, key } = await a.hear("refused");
    expect(key).toBe("endpoints/shop/web/web-1");
    expect(reason).toMatch(/^address must /);
    expect(reason).toContain(JSON.stringify(address));
    a.put(2, at("10.1.0.9", "IPv4"));
    await b.hear("rowPut", ({ sequence }) => sequence === 2);
    expect(b.count("rowPut")).toBe(1);
  });

  test("a member's own announcement narrows what the hub gives it, and widens nothing", async () => {
    const stream = world.open(broker, await world.certify("a", 1));
    stream.hello({ cidrs: ["0.0.0.0/0", "10.1.7.0/24"] });
    await stream.hear("ownRowsEnd");
    stream.put(1, at("10.2.0.1", "IPv4"));
    expect((await stream.hear("refused")).reason).toMatch(/hub's policy gives cluster a/);
    stream.cancel();
    const narrow = world.open(broker, await world.certify("a", 1));
    narrow.hello({ cidrs: ["10.1.7.0/24"] });
    await narrow.hear("ownRowsEnd");
    narrow.put(2, at("10.1.8.1", "IPv4"));
    expect((await narrow.hear("refused")).reason).toMatch(/announced cidrs/);
    narrow.put(3, at("10.1.7.1", "IPv4"));
    await narrow.hear("stored", ({ sequence }) => sequence === 3);
  });
});

describe("times that are made up (SEC-07)", () => {
  test.each([
    { name: "the beginning of time", createdAtMs: 0, isStored: true },
    { name: "the far future", createdAtMs: 8_000_000_000_000_000, isStored: true },
    { name: "no time at all", createdAtMs: 9_000_000_000_000_000, isStored: false },
  ])("are passed on as said, or refused: $name", async ({ createdAtMs, isStored }) => {
    // Members obey the oldest export and tell of it: test/controllers/namespace-policy.test.ts.
    const [a, b] = [await member("a", 1), await member("b", 2)];
    a.put(1, anExportRow({ createdAtMs }));
    if (isStored) {
      const { row } = await b.hear("rowPut");
      expect(row?.content?.$case === "export" && row.content.value.createdAtMs).toBe(createdAtMs);
    } else expect((await a.hear("refused")).reason).toMatch(/creation time must be/);
  });
});

describe("rows that are too many or too large", () => {
  test("more exports than allowed: the rest is refused, one by one, and what is there stays", async () => {
    const a = await member("a", 1);
    for (let index = 1; index <= 50; index++) a.put(index, anExportRow({ name: `s${index}` }));
    await a.hear("refused", ({ sequence }) => sequence === 50);
    expect(a.count("refused")).toBe(30);
    expect(sizeOf("a")).toBe(20);
  });

  test("a row within the broker's bound and beyond the policy's", async () => {
    const a = await member("a", 1);
    a.put(1, anExportRow({ annotations: { filler: "x".repeat(100_000) } }));
    expect((await a.hear("refused")).reason).toMatch(
      /^row must be at most 65536 bytes by the hub's policy for cluster a: got 100\d+$/,
    );
  });
});

describe("messages without an end", () => {
  /** A Sync request whose body is whatever bytes the test likes, frame headers included. */
  async function rawRequest(to: RunningBroker, who: Credentials) {
    const { keyPem: key, certPem: cert, caPem: ca } = who;
    const socket = connectTls({
      host: "127.0.0.1",
      port: to.listen.port,
      servername: BROKER_SERVER_NAME,
      ALPNProtocols: ["h2"],
      key,
      cert,
      ca,
    });
    await once(socket, "secureConnect");
    const session = connectHttp2("https://127.0.0.1", { createConnection: () => socket });
    session.on("error", () => undefined);
    const request = session.request({
      ":method": "POST",
      ":path": "/isthmus.broker.v1.Broker/Sync",
      "content-type": "application/grpc",
      te: "trailers",
    });
    request.on("error", () => undefined);
    request.resume();
    /** The status that the broker ends the call with, however the stream itself ends. */
    const ended = new Promise<string>((resolve) => {
      request.on("response", (headers) => {
        if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
      });
      request.on("trailers", (headers) => resolve(String(headers["grpc-status"])));
      request.on("close", () => resolve("none"));
    });
    return { request, ended, end: () => session.destroy() };
  }

  function frame(length: number): Buffer {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(length, 1);
    return header;
  }

  test("one that says it is larger than any ends its stream before it is taken in", async () => {
    const b = await member("b", 2);
    const { request, ended, end } = await rawRequest(broker, await world.certify("a", 1));
    request.write(frame(2 ** 31 - 1));
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    const pour = (): void => {
      while (!request.destroyed && request.writable && sent < 64 * LIMITS.messageBytes) {
        sent += chunk.length;
        if (!request.write(chunk)) {
          request.once("drain", pour);
          return;
        }
      }
    };
    pour();
    expect(await ended).toBe(String(status.RESOURCE_EXHAUSTED));
    // What HTTP/2 lets under way, far from what was announced.
    expect(sent).toBeLessThan(16 * LIMITS.messageBytes);
    end();
    b.ping();
    await b.hear("pong");
  });

  test("one that is never finished is silence, and ends like it", async () => {
    const impatient = await world.startBroker(store, { heartbeatIntervalMs: 100 });
    const { request, ended, end } = await rawRequest(impatient, await world.certify("a", 1));
    const hello = MemberMessage.encode({
      message: {
        $case: "hello",
        value: {
          protocolVersions: [1],
          storeEpoch: "",
          namespaces: [],
          known: [],
          cidrs: [],
          capabilities: [],
          ownDigest: new Uint8Array(),
        },
      },
    }).finish();
    request.write(Buffer.concat([frame(hello.length), hello]));
    request.write(frame(1000));
    const drip = (): void => {
      if (request.destroyed) return;
      request.write(Buffer.alloc(1));
      systemClock.setTimer(20, drip);
    };
    drip();
    expect(await ended).toBe(String(status.DEADLINE_EXCEEDED));
    expect(impatient.hub.connectedMembers).not.toContain("a");
    end();
  });
});

describe("10,000 tiny rows a second", () => {
  test("from a member with a pace: it is read at that pace, others are not slower, it is told in metrics", async () => {
    const [flooder, other] = [await member("slow", 1), await member("b", 2)];
    const [startMs, count] = [systemClock.monotonicMs(), 10_000];
    for (let index = 1; index <= count; index++) {
      flooder.put(index, anExportRow({ name: `s${index % 20}`, createdAtMs: index }));
    }
    const latencies: number[] = [];
    for (let index = 1; index <= 50; index++) {
      const atMs = systemClock.monotonicMs();
      other.put(index, anExportRow({ createdAtMs: index }));
      await other.hear("stored", ({ sequence }) => sequence === index);
      latencies.push(systemClock.monotonicMs() - atMs);
    }
    // On a busy machine it takes a while until its pace, and not the machine, is what holds it up.
    const paused = /isthmus_broker_paused_reading_seconds_total\{cluster="slow"\} \d/;
    await until(async () => paused.test(await meter.text()));
    const seconds = (systemClock.monotonicMs() - startMs) / 1000;
    const taken = store.table.owner(testCluster("slow"))?.sequence ?? 0;
    // Ten seconds' worth at once, then 50 a second: never faster, on whatever machine.
    expect(taken).toBeLessThanOrEqual(500 + 50 * seconds + 60);
    latencies.sort((x, y) => x - y);
    const [p50, p99] = [latencies[25] ?? 0, latencies[49] ?? 0];
    process.stdout.write(
      `flood: ${taken} of ${count} rows taken in ${seconds.toFixed(1)} s; another member's write ${p50.toFixed(1)} ms at the median, ${p99.toFixed(1)} ms at worst\n`,
    );
    flooder.ping();
    expect(flooder.error).toBeUndefined();
  });
});

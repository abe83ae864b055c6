import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as createClient } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type ClientDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BrokerMessage, MemberMessage, Row } from "../../api/broker/broker.gen.ts";
import { rowKey } from "../../api/broker/row.ts";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { encodeRow } from "../../broker/wire/encode-row.ts";
import { LIMITS } from "../../broker/wire/limits.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { BrokerWorld, type Credentials, type TestStream } from "./broker-world.ts";
import { until } from "./until.ts";

let world: BrokerWorld;
let store: MemoryStore;
let broker: RunningBroker;
let meter: PrometheusMeter;
beforeEach(async () => {
  world = await BrokerWorld.create();
  store = new MemoryStore("e1");
  meter = new PrometheusMeter();
  broker = await world.startBroker(store, { meter });
});
afterEach(() => world[Symbol.asyncDispose]());

/** A member that may write: greeted, complete, subscribed to `shop`. */
async function member(clusterId: string, incarnation: number): Promise<TestStream> {
  const stream = world.open(broker, await world.certify(clusterId, incarnation));
  stream.hello({ namespaces: ["shop"] });
  await stream.hear("ownRowsEnd");
  stream.complete();
  await stream.hear("synced");
  return stream;
}

/** A row of about this many bytes. */
function aRow(name: string, bytes: number, createdAtMs = 1): ReturnType<typeof anExportRow> {
  return anExportRow({ name, createdAtMs, annotations: { filler: "x".repeat(bytes) } });
}

async function metric(name: string): Promise<number> {
  const line = (await meter.text()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ")[1] ?? Number.NaN);
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** A Sync stream whose messages are whatever bytes the test likes. */
function rawStream(who: Credentials): ClientDuplexStream<Buffer, Buffer> & {
  readonly failure: Promise<ServiceError>;
} {
  const call = world
    .client(broker, who)
    .makeBidiStreamRequest("/isthmus.broker.v1.Broker/Sync", asIs, asIs);
  call.on("data", () => undefined);
  const failure = new Promise<ServiceError>((resolve) => call.on("error", resolve));
  return Object.assign(call, { failure });
}

describe("a member that reads slowly", () => {
  test("slows nobody, holds a bounded backlog, and ends with the latest state", async () => {
    const [writer, reader, slow] = [
      await member("a", 1),
      await member("b", 2),
      await member("c", 3),
    ];
    slow.pause();
    const versions = 200;
    for (let at = 1; at <= versions; at++) writer.put(at, aRow("web", 50_000, at));
    // The other one is there while the slow one has not taken a thing.
    await reader.hear("rowPut", ({ sequence }) => sequence === versions);
    await writer.hear("stored", ({ sequence }) => sequence === versions);
    expect(slow.count("rowPut")).toBeLessThan(40);
    slow.resume();
    await slow.hear("rowPut", ({ sequence }) => sequence === versions);
    // 10 MB were written: what was under way to it when it stopped is bounded, the rest was never queued.
    expect(slow.count("rowPut")).toBeLessThan(60);
  });

  test("and that never reads again is closed, and its connection cut, though it pings", async () => {
    const impatient = await world.startBroker(store, { meter, heartbeatIntervalMs: 100 });
    const pinging = new AbortController();
    const open = async (clusterId: string, incarnation: number): Promise<TestStream> => {
      const stream = world.open(impatient, await world.certify(clusterId, incarnation));
      stream.hello({ namespaces: ["shop"] });
      await stream.hear("synced");
      const ping = (): void => {
        if (pinging.signal.aborted) return;
        stream.ping();
        systemClock.setTimer(30, ping);
      };
      ping();
      return stream;
    };
    const [writer, stuck] = [await open("a", 1), await open("b", 2)];
    writer.complete();
    stuck.pause();
    for (let at = 1; at <= 40; at++) writer.put(at, aRow(`s${at}`, 100_000));
    await until(
      async () => (await metric('isthmus_broker_cut_connections_total{reason="unread"}')) === 1,
    );
    expect(impatient.hub.connectedMembers).not.toContain("b");
    pinging.abort();
  });

  test("does not keep the broker from stopping", async () => {
    const [writer, stuck] = [await member("a", 1), await member("b", 2)];
    stuck.pause();
    for (let at = 1; at <= 40; at++) writer.put(at, aRow(`s${at}`, 100_000));
    await writer.hear("stored", ({ sequence }) => sequence === 40);
    const startMs = systemClock.monotonicMs();
    await broker.stop();
    expect(systemClock.monotonicMs() - startMs).toBeLessThan(5000);
    expect(await metric("isthmus_broker_open_connections")).toBe(0);
  });
});

describe("what a member cannot say", () => {
  test("too large a message ends its stream, not another's, and not the member", async () => {
    const [a, b] = [await member("a", 1), await member("b", 2)];
    a.put(1, aRow("web", LIMITS.messageBytes));
    expect((await a.failure()).code).toBe(status.RESOURCE_EXHAUSTED);
    b.ping();
    await b.hear("pong");
    const again = world.open(broker, await world.certify("a", 1));
    again.hello();
    await again.hear("welcome");
  });

  test("a row over the limit in a message within it is refused, and removes its older version", async () => {
    const [a, b] = [await member("a", 1), await member("b", 2)];
    a.put(1, aRow("web", 10));
    await b.hear("rowPut");
    a.put(2, aRow("web", LIMITS.rowBytes));
    const { reason } = await a.hear("refused");
    expect(reason).toMatch(/^row must be at most 262144 bytes: got \d+$/);
    await b.hear("rowDelete", ({ clusterId }) => clusterId === "a");
    expect(store.table.owner(testCluster("a"))?.size).toBe(0);
  });

  test("bytes that are no message end its stream", async () => {
    const b = await member("b", 2);
    for (let at = 0; at < 20; at++) {
      const call = rawStream(await world.certify("a", 1));
      call.write(Buffer.concat([Buffer.from([0xff]), randomBytes(1 + at * 50)]));
      const { code } = await call.failure;
      expect([status.INTERNAL, status.INVALID_ARGUMENT, status.UNKNOWN]).toContain(code);
    }
    b.ping();
    await b.hear("pong");
    expect(broker.hub.connectedMembers).toEqual(["b"]);
  });

  test("another's name, wherever it puts it: the certificate decides whose row it is (I3, SEC-05)", async () => {
    const b = await member("b", 2);
    b.put(1, aRow("web", 10, 7));
    await b.hear("stored", ({ sequence }) => sequence === 1);
    const forged = rawStream(await world.certify("a", 1));
    const hello = {
      protocolVersions: [1],
      storeEpoch: "",
      namespaces: [],
      known: [],
      cidrs: [],
      capabilities: [],
      ownDigest: new Uint8Array(),
    };
    const messages = MemberMessage.encode({ message: { $case: "hello", value: hello } }).finish();
    const row = Row.encode(encodeRow(aRow("web", 10, 9))).finish();
    // Fields that no message has, in the shape of RowPut and of OwnerVersion, claiming to be b.
    const claim = new BinaryWriter()
      .uint32((1 << 3) | 2)
      .string("b")
      .uint32(2 << 3)
      .uint64(2);
    const put = new BinaryWriter()
      .uint32(1 << 3)
      .uint64(5)
      .uint32((2 << 3) | 2)
      .bytes(
        Buffer.concat([
          row,
          new BinaryWriter()
            .uint32((15 << 3) | 2)
            .string("b")
            .finish(),
        ]),
      )
      .uint32((14 << 3) | 2)
      .bytes(claim.finish())
      .finish();
    forged.write(Buffer.from(messages));
    forged.write(
      Buffer.from(
        new BinaryWriter()
          .uint32((3 << 3) | 2)
          .bytes(put)
          .finish(),
      ),
    );
    await until(() => store.table.owner(testCluster("a"))?.size === 1);
    expect(store.table.owner(testCluster("b"))?.row(rowKey(anExportRow()))?.sequence).toBe(1);
    const stored = store.table.owner(testCluster("a"))?.row(rowKey(anExportRow()))?.bytes;
    // Unknown fields are not kept either: others are sent the canonical row.
    expect(Buffer.from(stored ?? []).equals(Buffer.from(row))).toBe(true);
    forged.cancel();
  });

  test("a downstream message, as if it were the broker", async () => {
    const call = rawStream(await world.certify("a", 1));
    const version = { clusterId: "b", incarnation: 9, sequence: 9 };
    const said = BrokerMessage.encode({ message: { $case: "ownerComplete", value: { version } } });
    call.write(Buffer.from(said.finish()));
    expect((await call.failure).code).toBe(status.INVALID_ARGUMENT);
    expect(store.table.owner(testCluster("b"))).toBeUndefined();
  });
});

describe("a flood", () => {
  test("of writes is stored in order, and another member's write does not wait for it", async () => {
    const [flooder, other] = [await member("a", 1), await member("b", 2)];
    const count = 20_000;
    for (let at = 1; at <= count; at++)
      flooder.put(at, anExportRow({ name: `s${at % 50}`, createdAtMs: at }));
    other.put(1, anExportRow());
    await other.hear("stored", ({ sequence }) => sequence === 1);
    expect(flooder.count("stored")).toBeLessThan(count);
    expect(store.table.owner(testCluster("a"))?.sequence ?? 0).toBeLessThan(count);
    await flooder.hear("stored", ({ sequence }) => sequence === count);
    expect(store.table.owner(testCluster("a"))).toMatchObject({ size: 50, sequence: count });
  });

  test("of refused writes is answered one by one, none is lost", async () => {
    const flooder = await member("a", 1);
    const count = 5000;
    for (let at = 1; at <= count; at++) flooder.put(at, anExportRow({ sessionAffinity: "Odd" }));
    await flooder.hear("refused", ({ sequence }) => sequence === count);
    expect(flooder.count("refused")).toBe(count);
  });

  test("of subscriptions ends with the last of them", async () => {
    const [owner, flooder] = [await member("a", 1), await member("b", 2)];
    owner.put(1, anExportRow({ namespace: "n1" }));
    await owner.hear("stored", ({ sequence }) => sequence === 1);
    const count = 1500;
    for (let at = 1; at < count; at++)
      flooder.subscribe(at, at % 2 ? ["n1"] : [], at % 2 ? [] : ["n1"]);
    flooder.subscribe(count, ["n1"]);
    await flooder.hear("synced", ({ generation }) => generation === count);
    expect(flooder.count("rowPut")).toBeGreaterThan(0);
    owner.ping();
    await owner.hear("pong");
  });

  test("of streams leaves each member one, the newest", async () => {
    const who = await world.certify("a", 1);
    const streams = Array.from({ length: 30 }, () => world.open(broker, who));
    for (const stream of streams) stream.hello();
    await until(() => streams.filter(({ error }) => error === undefined).length === 1);
    expect(broker.hub.connectedMembers).toEqual(["a"]);
    expect(await metric("isthmus_broker_open_connections")).toBeLessThanOrEqual(
      LIMITS.connectionsPerMember,
    );
  });
});

describe("strangers at the port", () => {
  async function closed(socket: Socket): Promise<void> {
    socket.on("error", () => undefined);
    socket.resume();
    if (!socket.closed) await once(socket, "close");
  }

  test("who send noise are dropped, members notice nothing", async () => {
    const a = await member("a", 1);
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(broker.listen.port, "127.0.0.1");
      socket.write(randomBytes(2000));
      return socket;
    });
    await Promise.all(sockets.map(closed));
    a.ping();
    await a.hear("pong");
    await until(async () => (await metric("isthmus_broker_open_connections")) === 1);
  });

  test("who speak TLS and then noise are dropped too", async () => {
    const a = await member("a", 1);
    const options = { port: broker.listen.port, rejectUnauthorized: false, ALPNProtocols: ["h2"] };
    const socket = connectTls({ ...options, host: "127.0.0.1" });
    await once(socket, "secureConnect");
    socket.write(randomBytes(5000));
    await closed(socket);
    a.ping();
    await a.hear("pong");
  });

  test.each(["TLSv1", "TLSv1.1"] as const)("cannot talk it down to %s", async (maxVersion) => {
    const socket = connectTls({
      port: broker.listen.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      minVersion: maxVersion,
      maxVersion,
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toMatch(/protocol version|unsupported protocol|alert/i);
  });

  test("cannot talk to it without TLS", async () => {
    const plain = createClient(`http://127.0.0.1:${broker.listen.port}`);
    const ended = new Promise<void>((resolve) => plain.once("close", resolve));
    plain.on("error", () => undefined);
    const stream = plain.request({ ":path": "/isthmus.broker.v1.Broker/Join" });
    stream.on("error", () => undefined);
    let isAnswered = false;
    stream.on("response", () => (isAnswered = true));
    await ended;
    expect(isAnswered).toBe(false);
  });

  test("with an expired certificate are told that it is not valid", async () => {
    const longAgo = await world.authorityBefore(2 * 365 * 24 * 3600 * 1000);
    const stream = world.open(broker, await world.certify("a", 1, longAgo));
    stream.hello();
    const failure = await stream.failure();
    expect(failure.code).toBe(status.UNAUTHENTICATED);
    expect(failure.details).toMatch(/must present a client certificate .*: got none that is valid/);
    expect(store.members()).toEqual([]);
  });

  test("with a certificate of another authority are no member of this one", async () => {
    await using foreign = await BrokerWorld.create();
    const stream = world.open(broker, await world.certify("a", 1, foreign.authority));
    stream.hello();
    expect((await stream.failure()).code).toBe(status.UNAUTHENTICATED);
    expect(store.members()).toEqual([]);
  });
});

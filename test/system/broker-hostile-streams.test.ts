import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { BrokerWorld, type TestStream } from "./broker-world.ts";
import { until } from "./until.ts";

const HEARTBEAT_MS = 100;

let world: BrokerWorld;
let store: MemoryStore;
let broker: RunningBroker;
let meter: PrometheusMeter;
let wire: Wire;
beforeEach(async () => {
  world = await BrokerWorld.create();
  store = new MemoryStore("e1");
  meter = new PrometheusMeter();
  broker = await world.startBroker(store, { meter, heartbeatIntervalMs: HEARTBEAT_MS });
  wire = await Wire.start(broker.listen.port);
});
afterEach(async () => {
  await wire.stop();
  await world[Symbol.asyncDispose]();
});

/** A member that may write, greeted and complete, and that pings until it is told to stop. */
async function member(
  clusterId: string,
  incarnation: number,
  to: RunningBroker = broker,
): Promise<TestStream & { readonly stopPinging: () => void }> {
  const stream = world.open(to, await world.certify(clusterId, incarnation));
  stream.hello({ namespaces: ["shop"] });
  await stream.hear("ownRowsEnd");
  stream.complete();
  await stream.hear("synced");
  let isPinging = true;
  const ping = (): void => {
    if (!isPinging || stream.error !== undefined) return;
    stream.ping();
    systemClock.setTimer(HEARTBEAT_MS / 3, ping);
  };
  ping();
  return Object.assign(stream, { stopPinging: () => void (isPinging = false) });
}

/** As one who dials the wire instead of the broker. */
function overWire(): RunningBroker {
  return { ...broker, listen: { host: "127.0.0.1", port: wire.port } };
}

async function openConnections(): Promise<number> {
  const text = await meter.text();
  return Number(/^isthmus_broker_open_connections (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}

describe("half-open connections", () => {
  test("of members are silence: streams end, others are told, and new streams work", async () => {
    const watching = await member("watcher", 9);
    const ids = ["a", "b", "c", "d", "e"];
    for (const [at, id] of ids.entries()) await member(id, at + 1, overWire());
    const startMs = systemClock.monotonicMs();
    wire.freeze();
    await until(() => broker.hub.connectedMembers.length === 1);
    const endedMs = systemClock.monotonicMs() - startMs;
    // What is left are sockets, until HTTP/2 keepalive finds that nobody is there (20 s and 10 s).
    const left = await openConnections();
    expect(left).toBeLessThanOrEqual(ids.length + 1);
    process.stdout.write(
      `half-open: ${ids.length} streams ended ${endedMs.toFixed(0)} ms after the last byte (heartbeat ${HEARTBEAT_MS} ms); ${left} sockets left to keepalive\n`,
    );
    // Told as disconnected: nothing is withdrawn for it.
    expect(watching.count("presence")).toBeGreaterThan(0);
    expect(watching.count("ownerGone")).toBe(0);
    const back = await member("a", 1);
    back.put(1, anExportRow());
    await back.hear("stored");
    await watching.hear("rowPut", ({ clusterId }) => clusterId === "a");
  });

  test("in the middle of a handshake keep nobody out", async () => {
    const sockets = Array.from({ length: 200 }, () => {
      const socket = dial(broker.listen.port, "127.0.0.1");
      socket.on("error", () => undefined);
      // The first bytes of a ClientHello that never comes whole.
      socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
      return socket;
    });
    const startMs = systemClock.monotonicMs();
    const stream = await member("a", 1);
    stream.put(1, anExportRow());
    await stream.hear("stored");
    process.stdout.write(
      `half-open: beside ${sockets.length} unfinished handshakes a member was let in and stored after ${(systemClock.monotonicMs() - startMs).toFixed(0)} ms\n`,
    );
    for (const socket of sockets) socket.destroy();
  });
});

describe("frames", () => {
  test("said again or in another order change nothing: each is refused, and the last word stands", async () => {
    const [a, b] = [await member("a", 1), await member("b", 2)];
    const versions = Array.from({ length: 20 }, (_, at) => anExportRow({ createdAtMs: at + 1 }));
    versions.forEach((row, at) => a.put(at + 1, row));
    await a.hear("stored", ({ sequence }) => sequence === versions.length);
    // All of them once more, backwards, deletions among them.
    versions.forEach((_, at) => a.put(versions.length - at, anExportRow({ createdAtMs: 666 })));
    a.delete(versions.length, anExportRow());
    await until(() => a.count("refused") === versions.length + 1);
    const { reason } = await a.hear("refused");
    expect(reason).toBe("sequence must be greater than 20, the last one written: got 20");
    expect(store.table.owner(testCluster("a"))).toMatchObject({ size: 1, sequence: 20 });
    a.put(21, anExportRow({ name: "next" }));
    await b.hear("rowPut", ({ sequence }) => sequence === 21);
    const shown = b.heard.flatMap((said) =>
      said.$case === "rowPut" && said.value.row?.content?.$case === "export"
        ? [said.value.row.content.value.createdAtMs]
        : [],
    );
    expect(shown).not.toContain(666);
    process.stdout.write(
      `replayed frames: ${versions.length + 1} of ${versions.length + 1} refused\n`,
    );
  });

  test("of an earlier stream, said in a later one, are refused as well", async () => {
    const before = await member("a", 1);
    for (let at = 1; at <= 5; at++) before.put(at, anExportRow({ name: `s${at}` }));
    await before.hear("stored", ({ sequence }) => sequence === 5);
    before.stopPinging();
    const after = await member("a", 1);
    for (let at = 1; at <= 5; at++)
      after.put(at, anExportRow({ name: `s${at}`, createdAtMs: 666 }));
    await until(() => after.count("refused") === 5);
    expect(store.table.owner(testCluster("a"))).toMatchObject({ size: 5, sequence: 5 });
  });

  test("a greeting said twice ends the stream", async () => {
    const stream = await member("a", 1);
    stream.hello();
    expect((await stream.failure()).code).toBe(status.INVALID_ARGUMENT);
  });

  test("a recorded connection, played again byte by byte, is nobody's", async () => {
    const victim = await member("a", 1, overWire());
    victim.put(1, anExportRow());
    await victim.hear("stored");
    const recorded = wire.recorded();
    expect(recorded.length).toBeGreaterThan(1000);
    const sequence = store.table.owner(testCluster("a"))?.sequence;
    const replay = dial(broker.listen.port, "127.0.0.1");
    replay.on("error", () => undefined);
    replay.resume();
    replay.write(recorded);
    await once(replay, "close");
    expect(store.table.owner(testCluster("a"))?.sequence).toBe(sequence);
    // Nor has it taken the stream's place.
    expect(victim.error).toBeUndefined();
    process.stdout.write(`replayed connection: ${recorded.length} bytes, refused by TLS\n`);
  });
});

describe("downgrades", () => {
  test.each([
    { name: "an older version than any", protocolVersions: [0] },
    { name: "a newer one only", protocolVersions: [2] },
    { name: "none at all", protocolVersions: [] },
  ])("$name: the stream ends with the versions that there are", async ({ protocolVersions }) => {
    const stream = world.open(broker, await world.certify("a", 1));
    stream.hello({ protocolVersions });
    const { code, details } = await stream.failure();
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(details).toMatch(/^protocol version must be one the broker speaks \(1\): got \[\d*\]$/);
  });

  test("an old version offered beside a present one is not taken", async () => {
    const stream = world.open(broker, await world.certify("a", 1));
    stream.hello({ protocolVersions: [0, 1] });
    expect((await stream.hear("welcome")).protocolVersion).toBe(1);
  });

  test("capabilities that are not known are not granted", async () => {
    const stream = world.open(broker, await world.certify("a", 1));
    stream.hello({ capabilities: ["plaintext", "no-validation"] });
    expect((await stream.hear("welcome")).capabilities).toEqual([]);
  });

  test("HTTP/1.1 is not spoken, with or without a certificate", async () => {
    const { keyPem: key, certPem: cert } = await world.certify("a", 1);
    for (const identity of [{}, { key, cert }]) {
      const socket = connectTls({
        host: "127.0.0.1",
        port: broker.listen.port,
        rejectUnauthorized: false,
        ALPNProtocols: ["http/1.1"],
        ...identity,
      });
      let answer = "";
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
      socket.on("error", () => undefined);
      socket.write("POST /isthmus.broker.v1.Broker/Sync HTTP/1.1\r\nhost: x\r\n\r\n");
      await closed;
      expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
    }
    expect(store.members()).toEqual([]);
  });
});

describe("TLS", () => {
  test("without a certificate nothing but joining is answered", async () => {
    const stream = world.open(broker);
    stream.hello();
    const { code, details } = await stream.failure();
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(details).toMatch(/must present a client certificate/);
    expect(store.members()).toEqual([]);
  });

  test("another member's certificate without its key is no certificate", async () => {
    const [mine, other] = [await world.certify("a", 1), await world.certify("b", 2)];
    expect(() => world.client(broker, { ...mine, certPem: other.certPem }).sync()).toThrow(
      /key values mismatch/,
    );
  });
});

/** A TCP wire to the broker that can stop carrying anything, and that remembers what the first connection sent up. */
class Wire {
  readonly port: number;
  readonly #server: Server;
  /** BOUNDED: by the test. */
  readonly #sockets = new Set<Socket>();
  readonly #recorded: Buffer[] = [];
  #connections = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(targetPort: number): Promise<Wire> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const wire = new Wire(server, typeof address === "object" ? (address?.port ?? 0) : 0);
    server.on("connection", (from) => wire.#carry(from, dial(targetPort, "127.0.0.1")));
    return wire;
  }

  /** Nothing passes any more, either way, and nobody is told. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  recorded(): Buffer {
    return Buffer.concat(this.#recorded);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #carry(from: Socket, to: Socket): void {
    const isFirst = this.#connections++ === 0;
    for (const socket of [from, to]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    if (isFirst) from.on("data", (chunk: Buffer) => void this.#recorded.push(chunk));
    from.pipe(to);
    to.pipe(from);
  }
}

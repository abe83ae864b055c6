import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import type { DropReason } from "./answer-packet.ts";
import { TcpListener, type TcpListenerOptions } from "./tcp-listener.ts";

const LIMITS = {
  idleMs: 10_000,
  unreadBytesMax: 1000,
  connectionsMax: 4,
  connectionsPerClientMax: 4,
};

class Bed {
  readonly clock = new VirtualClock();
  readonly drops: DropReason[] = [];
  answered = 0;
  open = 0;
  port = 0;
  readonly sockets: Socket[] = [];
  readonly listener: TcpListener;

  /** Answers a message with itself; "silence" with nothing, "big" with 60,000 bytes. */
  constructor(options: Partial<TcpListenerOptions>) {
    this.listener = new TcpListener(
      { host: "127.0.0.1", port: 0, reusePort: false, ...LIMITS, ...options },
      {
        clock: this.clock,
        log: silentLogger,
        connections: (open) => {
          this.open = open;
        },
        dropped: (reason) => void this.drops.push(reason),
        answer: (packet, length, _transport, into) => {
          this.answered++;
          const text = packet.toString("latin1", 0, length);
          if (text === "silence") return 0;
          return into.write(text === "big" ? "b".repeat(60_000) : text, "latin1");
        },
      },
    );
  }

  async connect(): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: this.port });
    this.sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  }
}

const beds: Bed[] = [];

async function aBed(options: Partial<TcpListenerOptions> = {}): Promise<Bed> {
  const bed = new Bed(options);
  const started = await bed.listener.start();
  if (!started.ok) throw new Error(started.error.message);
  bed.port = started.value;
  beds.push(bed);
  return bed;
}

afterEach(async () => {
  for (const bed of beds.splice(0)) {
    for (const socket of bed.sockets) socket.destroy();
    await bed.listener.stop();
  }
});

function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), Buffer.from(text)]);
}

/** Reads until the other side closes. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

test("pipelined queries are answered in order, also after the client has closed its side", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  const queries = Array.from({ length: 200 }, (_, index) => frame(`query ${index}`));
  socket.end(Buffer.concat(queries));
  expect(await readAll(socket)).toBe(Buffer.concat(queries).toString("latin1"));
});

test("bytes that come one by one make a query", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  socket.setNoDelay(true);
  for (const byte of frame("slow")) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [answer] = await once(socket, "data");
  expect(String(answer)).toContain("slow");
});

test("what must not be answered closes the connection, after what came before it", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  socket.write(Buffer.concat([frame("first"), frame("silence"), frame("last")]));
  expect(await readAll(socket)).toBe(frame("first").toString("latin1"));
  expect(bed.drops).toEqual(["tcp-frame"]);
});

test("a connection is closed when no whole query comes, a byte now and then notwithstanding", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  const closed = once(socket, "close");
  socket.resume();
  for (let second = 0; second < 12; second++) {
    if (socket.writable) socket.write(Buffer.from([1]));
    await bed.clock.advance(1000);
  }
  await closed;
  expect(bed.answered).toBe(0);
});

test("queries keep a connection open", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  for (let round = 0; round < 4; round++) {
    await bed.clock.advance(8000);
    socket.write(frame(`query ${round}`));
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain(`query ${round}`);
  }
  expect(bed.listener.connectionCount).toBe(1);
  expect(bed.open).toBe(1);
});

test("who does not read is not served without end, and is cut off in time", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  socket.pause();
  socket.write(Buffer.concat(Array.from({ length: 2000 }, () => frame("big"))));
  let before = -1;
  // The kernel takes some megabytes; then the server must stop by itself.
  while (bed.answered !== before || bed.answered === 0) {
    before = bed.answered;
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(bed.answered).toBeLessThan(1000);
  await bed.clock.advance(25_000);
  expect(bed.drops).toEqual(["tcp-timeout"]);
  while (bed.listener.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
});

test.each([
  { name: "in all", options: { connectionsMax: 2 } },
  { name: "per client", options: { connectionsPerClientMax: 2 } },
])("connections are limited $name; a closed one makes room", async ({ options }) => {
  const bed = await aBed(options);
  const first = await bed.connect();
  await bed.connect();
  const third = await bed.connect();
  third.resume();
  await once(third, "close");
  expect(bed.drops).toEqual(["tcp-limit"]);
  first.destroy();
  while (bed.listener.connectionCount > 1) await new Promise((resolve) => setImmediate(resolve));
  const fourth = await bed.connect();
  fourth.end(frame("welcome"));
  expect(await readAll(fourth)).toContain("welcome");
});

test("a reset by the client frees its connection", async () => {
  const bed = await aBed();
  const socket = await bed.connect();
  socket.write(frame("big"));
  await once(socket, "readable");
  socket.resetAndDestroy();
  while (bed.listener.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("stop ends in bounded time even when a client neither reads nor closes", async () => {
  const bed = await aBed({ unreadBytesMax: 100_000_000 });
  const socket = await bed.connect();
  socket.pause();
  socket.write(Buffer.concat(Array.from({ length: 500 }, () => frame("big"))));
  while (bed.answered < 500) await new Promise((resolve) => setImmediate(resolve));
  const stopped = bed.listener.stop();
  await bed.clock.advance(1000);
  await stopped;
  expect(bed.listener.connectionCount).toBe(0);
});

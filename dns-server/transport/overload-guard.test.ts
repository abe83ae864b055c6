import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { BATCH, CLIENT_BYTES, loadUdpBatch, SLOT_BYTES } from "../native/load-udp-batch.ts";
import { HAS_ADDON } from "../testing/native-addon.ts";
import { OverloadGuard } from "./overload-guard.ts";
import { sourceFilter } from "./source-filter.ts";

const TICK_MS = 50;
const NO_FILTER = new Uint8Array(0);

function aGuard() {
  const clock = new VirtualClock();
  const filters: Uint8Array[] = [];
  const parts: number[] = [];
  const socket = {
    filled: 0,
    takesFilters: true,
    queueFilled: () => socket.filled,
    setFilter: (program: Uint8Array) => {
      if (socket.takesFilters) filters.push(program);
      return socket.takesFilters;
    },
  };
  const guard = new OverloadGuard(socket, {
    clock,
    log: silentLogger,
    admitted: (part) => void parts.push(part),
  });
  guard.start();
  const samples = (address: string, batches: number): void => {
    for (let batch = 0; batch < batches; batch++) if (guard.wantsClient()) guard.saw(address);
  };
  return { clock, socket, guard, filters, parts, samples };
}

describe("overload guard", () => {
  test("a server that keeps up has no filter", async () => {
    const { clock, filters, samples } = aGuard();
    samples("192.0.2.1", 1000);
    await clock.advance(60_000);
    expect(filters).toEqual([]);
  });

  test("in a flood those go first who have been asking for a while; the flood's addresses do not become known", async () => {
    const { clock, socket, filters, parts, samples } = aGuard();
    for (let second = 0; second < 20; second++) {
      samples("192.0.2.1", 10);
      await clock.advance(1000);
    }
    socket.filled = 1;
    await clock.advance(TICK_MS);
    samples("198.51.100.1", 100_000);
    await clock.advance(60_000);
    socket.filled = 0;
    await clock.advance(60_000);
    socket.filled = 1;
    await clock.advance(TICK_MS);
    const lowest = Math.min(...parts);
    expect(lowest).toBeGreaterThan(0);
    expect(lowest).toBeLessThan(0.01);
    expect(filters.at(0)).toEqual(sourceFilter(["192.0.2.1"], parts[0] ?? 0));
    expect(filters.at(-1)).toEqual(sourceFilter(["192.0.2.1"], parts.at(-1) ?? 0));
    expect(filters).toContainEqual(NO_FILTER);
  });

  test("it ends with the flood, and when it is stopped", async () => {
    const { clock, socket, guard, filters, parts } = aGuard();
    socket.filled = 1;
    await clock.advance(TICK_MS);
    socket.filled = 0;
    await clock.advance(10_000);
    expect(filters.at(-1)).toEqual(NO_FILTER);
    expect(parts.at(-1)).toBe(1);
    const before = filters.length;
    guard.stop();
    socket.filled = 1;
    await clock.advance(10_000);
    expect(filters).toHaveLength(before);
  });

  test("a kernel that takes no filters changes nothing", async () => {
    const { clock, socket, parts } = aGuard();
    Object.assign(socket, { filled: 1, takesFilters: false });
    await clock.advance(10_000);
    expect(parts).toEqual([]);
  });
});

describe.skipIf(!HAS_ADDON)("the kernel with the addon's socket", () => {
  const open: { close(): unknown }[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
  });

  /** Echoes; of both families where the machine has them. */
  function serve(host: string) {
    const addon = loadUdpBatch();
    if (!addon.ok) throw new Error(addon.error);
    const memory = {
      requests: Buffer.alloc(BATCH * SLOT_BYTES),
      responses: Buffer.alloc(BATCH * SLOT_BYTES),
      clients: Buffer.alloc(BATCH * CLIENT_BYTES),
      lengths: new Uint16Array(BATCH),
    };
    const options = { host, port: 0, reusePort: false, queueBytes: 1024 * 1024 };
    const socket = addon.value.open(options, memory, () => memory.responses.set(memory.requests));
    open.push(socket);
    return socket;
  }

  async function aClient(address: string): Promise<Socket> {
    // A lookup that answers at once: then a datagram is with the server when `send` returns.
    const socket = createSocket({ type: "udp4", lookup: (name, _, done) => done(null, name, 4) });
    const listening = once(socket, "listening");
    socket.bind(0, address);
    await listening;
    open.push(socket);
    return socket;
  }

  test.each(["127.0.0.1", "0.0.0.0"])("lets in whom the filter names, at %s", async (host) => {
    const server = serve(host);
    const known = await aClient("127.0.0.2");
    const stranger = await aClient("127.0.0.3");
    const answers: string[] = [];
    for (const client of [known, stranger])
      client.on("message", (message: Buffer) => answers.push(message.toString()));
    expect(server.setFilter(sourceFilter(["127.0.0.2"], 0))).toBe(true);
    stranger.send("of a stranger", server.port, "127.0.0.1");
    known.send("of one that is known", server.port, "127.0.0.1");
    await once(known, "message");
    expect(server.setFilter(NO_FILTER)).toBe(true);
    expect(server.setFilter(NO_FILTER)).toBe(true);
    stranger.send("of a stranger, later", server.port, "127.0.0.1");
    await once(stranger, "message");
    expect(answers).toEqual(["of one that is known", "of a stranger, later"]);
  });

  test("says how full its queue is", async () => {
    const server = serve("127.0.0.1");
    const client = await aClient("127.0.0.2");
    expect(server.queueFilled()).toBe(0);
    for (let count = 0; count < 100; count++)
      client.send("x".repeat(1000), server.port, "127.0.0.1");
    expect(server.queueFilled()).toBeGreaterThan(0);
    expect(server.queueFilled()).toBeLessThanOrEqual(1);
    await expect.poll(() => server.queueFilled()).toBe(0);
  });

  test("what is no program is refused, and a closed socket takes none", () => {
    const server = serve("127.0.0.1");
    expect(server.setFilter(new Uint8Array(8))).toBe(false);
    expect(() => server.setFilter(new Uint8Array(7))).toThrow(
      expect.objectContaining({ code: "EINVAL" }),
    );
    expect(() => server.setFilter("x" as never)).toThrow(
      expect.objectContaining({ code: "EINVAL" }),
    );
    server.close();
    expect(server.setFilter(sourceFilter([], 1))).toBe(false);
    expect(server.queueFilled()).toBe(0);
  });
});

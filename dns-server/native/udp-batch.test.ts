import { execFile } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { HAS_ADDON } from "../testing/native-addon.ts";
import {
  BATCH,
  type BatchMemory,
  type BatchSocket,
  type BatchSocketOptions,
  CLIENT_BYTES,
  loadUdpBatch,
  SLOT_BYTES,
  UDP_BATCH_FILE,
} from "./load-udp-batch.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

function someMemory(): BatchMemory {
  return {
    requests: Buffer.alloc(BATCH * SLOT_BYTES),
    responses: Buffer.alloc(BATCH * SLOT_BYTES),
    clients: Buffer.alloc(BATCH * CLIENT_BYTES),
    lengths: new Uint16Array(BATCH),
  };
}

const OPTIONS: BatchSocketOptions = {
  host: "127.0.0.1",
  port: 0,
  reusePort: false,
  queueBytes: 4 * 1024 * 1024,
};

function anAddon() {
  const addon = loadUdpBatch();
  if (!addon.ok) throw new Error(addon.error);
  return addon.value;
}

type Answer = (slot: number, memory: BatchMemory) => void;

/** A server that calls `answer` for each datagram; by default it sends back what it gets. */
function serve(
  options: Partial<BatchSocketOptions> = {},
  answer: Answer = echo,
): BatchSocket & { readonly batches: number[] } {
  const memory = someMemory();
  const batches: number[] = [];
  const socket = anAddon().open({ ...OPTIONS, ...options }, memory, (count) => {
    batches.push(count);
    for (let slot = 0; slot < count; slot++) answer(slot, memory);
  });
  open.push(socket);
  return Object.assign(socket, { batches });
}

/** Answers nothing in the batch; `send` answers the last datagram, false until one has come. */
function serveLater(): { readonly port: number; send(this: void): boolean } {
  let waiting: (() => boolean) | undefined;
  const socket = serve({ host: hasIpv6 ? "::" : "127.0.0.1" }, (slot, memory) => {
    const client = Uint8Array.from(
      memory.clients.subarray(slot * CLIENT_BYTES, (slot + 1) * CLIENT_BYTES),
    );
    const at = slot * SLOT_BYTES;
    const text = Buffer.from(memory.requests.subarray(at, at + (memory.lengths[slot] ?? 0)));
    const response = Buffer.from(`later: ${text.toString()}`);
    memory.lengths[slot] = 0;
    waiting = () => socket.send(client, response);
  });
  return {
    port: socket.port,
    send: () => {
      const send = waiting;
      waiting = undefined;
      return send?.() ?? false;
    },
  };
}

function echo(slot: number, { requests, responses, lengths }: BatchMemory): void {
  const at = slot * SLOT_BYTES;
  responses.set(requests.subarray(at, at + (lengths[slot] ?? 0)), at);
}

async function aClient(family: "udp4" | "udp6" = "udp4"): Promise<Socket> {
  const socket = createSocket(family);
  socket.bind(0, family === "udp4" ? "127.0.0.1" : "::1");
  await once(socket, "listening");
  socket.setRecvBufferSize(4 * 1024 * 1024);
  open.push(socket);
  return socket;
}

async function take(socket: Socket, count: number): Promise<Buffer[]> {
  const taken: Buffer[] = [];
  const signal = AbortSignal.timeout(15_000);
  while (taken.length < count) taken.push((await once(socket, "message", { signal }))[0]);
  return taken;
}

describe.skipIf(!HAS_ADDON)("the addon", () => {
  test("answers every datagram of many to whom it came from", async () => {
    const { port, batches } = serve();
    const clients = await Promise.all([aClient(), aClient(), aClient()]);
    const sent = clients.map((_, client) =>
      Array.from({ length: 200 }, (_, index) => `${client} ${index} ${"x".repeat(index)}`),
    );
    const received = clients.map((socket) => take(socket, 200));
    for (const [client, socket] of clients.entries()) {
      for (const text of sent[client] ?? []) socket.send(text, port, "127.0.0.1");
    }
    const texts = (await Promise.all(received)).map((messages) => messages.map(String));
    expect(texts.map((of) => of.toSorted())).toEqual(sent.map((of) => of.toSorted()));
    expect(batches.reduce((sum, count) => sum + count, 0)).toBe(600);
    expect(Math.max(...batches)).toBeLessThanOrEqual(BATCH);
  });

  test("says who sent a datagram", async () => {
    const seen: string[] = [];
    const { port } = serve({}, (slot, memory) => {
      const at = slot * CLIENT_BYTES;
      seen.push(Buffer.from(memory.clients.subarray(at, at + CLIENT_BYTES)).toString("hex"));
      echo(slot, memory);
    });
    const client = await aClient();
    client.send("x", port, "127.0.0.1");
    await take(client, 1);
    const portHex = client.address().port.toString(16).padStart(4, "0");
    expect(seen).toEqual([`00000000000000000000ffff7f000001${portHex}`]);
  });

  test.skipIf(!hasIpv6)("'::' takes both families", async () => {
    const { port } = serve({ host: "::" });
    for (const [family, host] of [
      ["udp4", "127.0.0.1"],
      ["udp6", "::1"],
    ] as const) {
      const client = await aClient(family);
      client.send(family, port, host);
      expect((await take(client, 1)).map(String)).toEqual([family]);
    }
  });

  test("sends what was not ready with its batch, to either family", async () => {
    const { port, send } = serveLater();
    for (const [family, host] of hasIpv6
      ? ([
          ["udp4", "127.0.0.1"],
          ["udp6", "::1"],
        ] as const)
      : ([["udp4", "127.0.0.1"]] as const)) {
      const client = await aClient(family);
      client.send(family, port, host);
      await expect.poll(send).toBe(true);
      expect((await take(client, 1)).map(String)).toEqual([`later: ${family}`]);
    }
  });

  test("after close, and to what is no client, nothing is sent", async () => {
    const socket = serve();
    const v6 = Buffer.alloc(CLIENT_BYTES, 1);
    expect(socket.send(v6, Buffer.from("x"))).toBe(false);
    expect(() => socket.send(Buffer.alloc(CLIENT_BYTES - 1), Buffer.from("x"))).toThrow();
    expect(() => socket.send(v6, Buffer.alloc(SLOT_BYTES + 1))).toThrow();
    socket.close();
    const mapped = Buffer.from("00000000000000000000ffff7f0000010035", "hex");
    expect(socket.send(mapped, Buffer.from("x"))).toBe(false);
  });

  test("a datagram larger than a slot is cut to it", async () => {
    const { port } = serve();
    const client = await aClient();
    client.send(Buffer.alloc(SLOT_BYTES + 1000, 7), port, "127.0.0.1");
    expect(await take(client, 1)).toEqual([Buffer.alloc(SLOT_BYTES, 7)]);
  });

  test("an empty datagram, and lengths that are none or too long, get no response", async () => {
    const { port } = serve({}, (slot, memory) => {
      const kind = memory.requests[slot * SLOT_BYTES];
      echo(slot, memory);
      if (kind === 0x30) memory.lengths[slot] = 0;
      if (kind === 0x31) memory.lengths[slot] = SLOT_BYTES + 1;
      if (kind === 0x32) memory.lengths[slot] = 65_535;
    });
    const client = await aClient();
    for (const text of ["", "0", "1", "2", "answered"]) client.send(text, port, "127.0.0.1");
    expect((await take(client, 1)).map(String)).toEqual(["answered"]);
  });

  test("sockets with reusePort share a port; without it the port is taken", () => {
    const first = serve({ reusePort: true });
    expect(serve({ reusePort: true, port: first.port }).port).toBe(first.port);
    expect(() => serve({ port: first.port })).toThrow(
      expect.objectContaining({ code: "EADDRINUSE" }),
    );
  });

  test("close frees the port at once, twice is once, and in the middle of a batch is fine", async () => {
    const server: { socket?: BatchSocket } = {};
    server.socket = serve({}, () => server.socket?.close());
    const { port } = server.socket;
    const client = await aClient();
    for (let index = 0; index < 10; index++) client.send("x", port, "127.0.0.1");
    await expect
      .poll(() => {
        try {
          return serve({ port }).port;
        } catch {
          return 0;
        }
      })
      .toBe(port);
    server.socket.close();
    client.send("again", port, "127.0.0.1");
    expect((await take(client, 1)).map(String)).toEqual(["again"]);
  });

  test.each([
    { what: "a name for an address", options: { host: "localhost" } },
    { what: "a very long host", options: { host: "1".repeat(500) } },
    { what: "a port above 65535", options: { port: 65_536 } },
    { what: "no port", options: { port: undefined } },
    { what: "memory that is too small", memory: { requests: Buffer.alloc(SLOT_BYTES) } },
    { what: "memory that is too large", memory: { lengths: new Uint16Array(BATCH + 1) } },
    { what: "memory of another kind", memory: { responses: "text" } },
    { what: "no memory", memory: { clients: undefined } },
    { what: "no function", onBatch: 1 },
  ])("$what is refused", ({ options, memory, onBatch }) => {
    const addon = anAddon() as unknown as { open(...parts: unknown[]): unknown };
    expect(() =>
      addon.open(
        { ...OPTIONS, ...options },
        { ...someMemory(), ...memory },
        onBatch ?? (() => undefined),
      ),
    ).toThrow(expect.objectContaining({ code: "EINVAL" }));
    expect(() => addon.open()).toThrow(expect.objectContaining({ code: "EINVAL" }));
  });

  test("an error in the callback ends the process as any uncaught error does; sockets left open do not", async () => {
    const run = (body: string): Promise<{ code: number; stderr: string }> => {
      const script = `
        const addon = require(${JSON.stringify(fileURLToPath(UDP_BATCH_FILE))});
        const memory = { requests: Buffer.alloc(${BATCH * SLOT_BYTES}), responses: Buffer.alloc(${BATCH * SLOT_BYTES}),
          clients: Buffer.alloc(${BATCH * CLIENT_BYTES}), lengths: new Uint16Array(${BATCH}) };
        const { port } = addon.open({ host: "127.0.0.1", port: 0, reusePort: false, queueBytes: 1 }, memory, () => { ${body} });
        const socket = require("node:dgram").createSocket("udp4");
        socket.send("x", port, "127.0.0.1");`;
      return new Promise((resolve) => {
        execFile(process.execPath, ["-e", script], { timeout: 10_000 }, (error, _, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), stderr }),
        );
      });
    };
    const thrown = await run("throw new Error('a bug')");
    expect(thrown).toEqual({ code: 1, stderr: expect.stringContaining("Error: a bug") });
    expect(await run("process.exit(0)")).toEqual({ code: 0, stderr: "" });
  });
});

test.runIf(process.env["CI"] === "true")("is built in continuous integration", () => {
  expect(loadUdpBatch()).toEqual({ ok: true, value: expect.anything() });
});

describe("loading", () => {
  test("says why there is no addon", () => {
    const missing = loadUdpBatch(new URL("./no-such.node", import.meta.url));
    expect(missing).toEqual({
      ok: false,
      error: expect.stringMatching(/^cannot load .*no-such\.node: Cannot find module/),
    });
  });

  test("refuses one that was built from other sources", () => {
    const folder = mkdtempSync(join(tmpdir(), "isthmus-addon-"));
    const file = join(folder, "old.cjs");
    writeFileSync(file, "module.exports = { interfaceVersion: 0, open() {} };");
    expect(loadUdpBatch(pathToFileURL(file))).toEqual({
      ok: false,
      error: `cannot use ${file}: interfaceVersion must be 2: got 0`,
    });
    rmSync(folder, { recursive: true });
  });
});

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { err } from "../../../api/result.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { DialError, Dialer } from "../dialer.ts";
import { connectCode } from "../testing/socks-client.ts";
import { REPLY } from "./socks-message.ts";
import { SocksServer, type SocksServerOptions } from "./socks-server.ts";

/** Every dial ends when its signal aborts, with `outcome`. */
function aHangingDialer(outcome: DialError): Dialer & { readonly aborted: Promise<void> } {
  const aborted = Promise.withResolvers<void>();
  const hang = (options: {
    readonly signal: AbortSignal;
  }): Promise<ReturnType<typeof err<DialError>>> =>
    new Promise((resolve) => {
      options.signal.addEventListener("abort", () => {
        aborted.resolve();
        resolve(err(outcome));
      });
    });
  return {
    aborted: aborted.promise,
    dialTcp: (_to, options) => hang(options),
    openUdp: (_to, options) => hang(options),
  };
}

const TIMEOUT: DialError = { kind: "timeout", message: "no answer" };

async function anEntry(
  clock: VirtualClock | typeof systemClock,
  dialer: Dialer,
  options: Partial<SocksServerOptions> = {},
): Promise<string> {
  const listen = { host: "127.0.0.1", port: 0 };
  const server = new SocksServer(
    { listen, client: { kind: "fixed", ip: "10.1.0.250" }, ...options },
    { clock, log: silentLogger, dialer },
  );
  const port = await server.start();
  onTestFinished(() => server.stop());
  return `127.0.0.1:${port.ok ? port.value : 0}`;
}

async function connected(entry: string): Promise<Socket> {
  const socket = createConnection({ host: "127.0.0.1", port: Number(entry.split(":")[1]) });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket.resume();
}

describe("deadlines", () => {
  test("a client that does not finish its handshake is dropped after ten seconds", async () => {
    const clock = new VirtualClock();
    const socket = await connected(await anEntry(clock, aHangingDialer(TIMEOUT)));
    let isClosed = false;
    socket.on("close", () => (isClosed = true));
    socket.write(Uint8Array.from([5, 1]));
    await expect.poll(() => clock.nextTimerMs()).toBeDefined();
    await clock.advance(9_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await expect.poll(() => isClosed).toBe(true);
  });

  test("a dial that takes too long is given up with TTL expired", async () => {
    const dialer = aHangingDialer(TIMEOUT);
    const entry = await anEntry(systemClock, dialer, { connectTimeoutMs: 30 });
    expect(await connectCode(entry, "10.1.0.5", 80)).toBe(REPLY.ttlExpired);
  });

  test("a client that resets ends the dial made for it", async () => {
    const dialer = aHangingDialer(TIMEOUT);
    const socket = await connected(await anEntry(systemClock, dialer));
    socket.write(Uint8Array.from([5, 1, 0, 5, 1, 0, 1, 10, 1, 0, 5, 0, 80]));
    await once(socket, "data");
    socket.resetAndDestroy();
    await dialer.aborted;
  });

  test("a refused client that does not hang up is dropped", async () => {
    const clock = new VirtualClock();
    const entry = await anEntry(clock, aHangingDialer(TIMEOUT));
    const port = Number(entry.split(":")[1]);
    const socket = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(Uint8Array.from([5, 1, 0, 5, 2, 0, 1, 10, 1, 0, 5, 0, 80]));
    socket.resume();
    await once(socket, "end");
    await clock.advance(2000);
    const failed = once(socket, "error");
    const nag = setInterval(() => socket.write("still here"), 2);
    onTestFinished(() => clearInterval(nag));
    await failed;
  });
});

test("more connections than allowed are closed at once", async () => {
  const entry = await anEntry(systemClock, aHangingDialer(TIMEOUT), { maxConnections: 2 });
  const first = [await connected(entry), await connected(entry)];
  const third = await connected(entry);
  await once(third, "close");
  expect(first.map((socket) => socket.destroyed)).toEqual([false, false]);
});

test("without a resolver, names are refused as an address type", async () => {
  const entry = await anEntry(systemClock, aHangingDialer(TIMEOUT));
  expect(await connectCode(entry, "web.shop", 80)).toBe(REPLY.addressTypeNotSupported);
});

test("a taken port is said", async () => {
  const entry = await anEntry(systemClock, aHangingDialer(TIMEOUT));
  const second = new SocksServer(
    {
      listen: { host: "127.0.0.1", port: Number(entry.split(":")[1]) },
      client: { kind: "fixed", ip: "10.1.0.250" },
    },
    { clock: systemClock, log: silentLogger, dialer: aHangingDialer(TIMEOUT) },
  );
  expect(await second.start()).toEqual(
    err(`cannot listen on ${entry}: address in use by another process`),
  );
});

import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { must } from "../../../api/result.ts";
import { FRAME, type ResetCode } from "../../../connectivity/proxy/frame/frame-type.ts";
import type { ServiceOpen } from "../../../connectivity/proxy/frame/open-header.ts";
import { writeHeader } from "../../../connectivity/proxy/frame/write-frame.ts";
import { CreditBudget } from "../../../connectivity/proxy/stream/credit-budget.ts";
import { DEFAULT_LIMITS } from "../../../connectivity/proxy/stream/session-limits.ts";
import { TunnelSession } from "../../../connectivity/proxy/stream/tunnel-session.ts";
import { connectTo, secureTo } from "../../../connectivity/proxy/tunnel/dial-tunnel.ts";
import { TunnelConnection } from "../../../connectivity/proxy/tunnel/tunnel-connection.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { id, type Pair, readCluster, slice, startPair, until } from "./proxy-world.ts";

// A member whose certificate is good and whose intentions are not, against east. West is a member as any other.

let pair: Pair;
let port: number;
let exported: number;
let hidden: number;
const closers: (() => unknown)[] = [];

async function server(answer: string): Promise<number> {
  const listening = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    socket.end(answer);
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  closers.push(() => listening.close());
  return (listening.address() as AddressInfo).port;
}

beforeAll(async () => {
  pair = await startPair();
  exported = await server("exported");
  hidden = await server("hidden");
  port = await pair.carry(exported);
  pair.east.node.setPeers(
    new Map([
      [pair.west.cluster, []],
      [id("mallory"), []],
    ]),
  );
});

afterAll(async () => {
  await pair.stop();
  for (const close of closers) close();
});

async function dialAsMallory(): Promise<TLSSocket> {
  const { signal } = new AbortController();
  const identity = await pair.authority.identity("mallory");
  const raw = must(await connectTo(pair.east.endpoint, undefined, signal));
  const deps = { clock: systemClock, readCluster };
  return must(await secureTo(pair.east.cluster, raw, identity, deps, signal)).socket;
}

/** Asks for something as a peer that knows the protocol; how it was answered. */
async function open(header: Partial<ServiceOpen>): Promise<ResetCode | "opened"> {
  const socket = await dialAsMallory();
  const answer = Promise.withResolvers<ResetCode | "opened">();
  const session = new TunnelSession(
    { isDialler: true, limits: DEFAULT_LIMITS, instance: 66 },
    {
      credit: new CreditBudget(1 << 30).of("east"),
      events: {
        onOutput: () => queueMicrotask(() => connection.scheduleWrite()),
        onHello: () => {
          const stream = session.open({
            kind: "service",
            protocol: "tcp",
            namespace: "shop",
            name: "db",
            port: "main",
            hostname: "",
            client: { address: Uint8Array.of(1, 2, 3, 4), port: 5 },
            clientNamespace: "evil",
            portNumber: 0,
            ...header,
          });
          if (stream === undefined) throw new Error("cannot open");
          stream.handler = {
            onOpened: () => answer.resolve("opened"),
            onData: () => undefined,
            onEnd: () => undefined,
            onReset: (code) => answer.resolve(code),
            onWritable: () => undefined,
          };
        },
        onOpen: () => undefined,
        onPong: () => undefined,
        onGoAway: () => undefined,
        onRoutes: () => undefined,
        onIdle: () => undefined,
      },
    },
  );
  const connection = new TunnelConnection(socket, session, {
    clock: systemClock,
    onClosed: () => undefined,
  });
  connection.scheduleWrite();
  const got = await answer.promise;
  connection.close("done");
  return got;
}

async function ask(): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("only exported ports of exported endpoints are dialled, whatever is asked for", async () => {
  expect(await open({})).toBe("opened");
  expect(await open({ name: "other" })).toBe("not-exported");
  expect(await open({ namespace: "kube-system", name: "kubernetes" })).toBe("not-exported");
  expect(await open({ port: "metrics" })).toBe("not-exported");
  expect(await open({ port: String(hidden) })).toBe("not-exported");
  expect(await open({ name: `../${hidden}` })).toBe("not-exported");
  expect(await open({ protocol: "udp" })).toBe("not-exported");
  expect(await open({ hostname: "db-9" })).toBe("not-exported");
});

test("an export that admits others only refuses by cluster and by namespace", async () => {
  const { annotations } = pair.east;
  annotations.set("shop/db", { "isthmus.dev/allow-clients": "west, mallory/good" });
  expect(await open({})).toBe("forbidden");
  expect(await open({ clientNamespace: "good" })).toBe("opened");
  expect(await ask()).toBe("exported");
  annotations.set("shop/db", { "isthmus.dev/export-to": "west,north" });
  expect(await open({ clientNamespace: "good" })).toBe("forbidden");
  expect(await ask()).toBe("exported");
  annotations.delete("shop/db");
});

test("what is taken out of the export is refused at once", async () => {
  const gone = slice("east", "shop/db", { name: "main", protocol: "TCP", port: exported });
  pair.east.node.removeSlice(gone);
  expect(await open({})).toBe("not-exported");
  pair.east.node.putSlice(gone);
  expect(await open({})).toBe("opened");
});

test.each([
  ["bytes of another protocol", () => Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(100))],
  [
    "a header that promises more than there is room for",
    () => {
      const header = new Uint8Array(8);
      writeHeader(header, 0, { type: FRAME.open, length: 0xff_ffff, stream: 1 });
      return header;
    },
  ],
  ["noise", () => Buffer.alloc(100_000, 0xa5)],
])("%s: the tunnel is cut, others do not notice", async (_name, bytes) => {
  const socket = await dialAsMallory();
  socket.on("error", () => undefined);
  socket.resume();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(bytes());
  await closed;
  expect(await ask()).toBe("exported");
});

test("who connects and says nothing is cut off in time, and keeps nobody out", async () => {
  const sockets = Array.from({ length: 20 }, () => {
    const [host, at] = pair.east.endpoint.split(":");
    const socket = connect(Number(at), host);
    socket.on("error", () => undefined);
    return socket;
  });
  expect(await ask()).toBe("exported");
  for (const socket of sockets) socket.destroy();
  const quiet = await dialAsMallory();
  quiet.on("error", () => undefined);
  quiet.resume();
  // No hello ever comes: as dead as a tunnel that does not answer.
  await until("cut off", () => quiet.destroyed || quiet.closed);
});

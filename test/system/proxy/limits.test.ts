import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { TunnelAcceptor } from "../../../connectivity/proxy/tunnel/tunnel-acceptor.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../../runtime/metrics/prometheus-meter.ts";
import { MemoryLogger } from "../../controllers/memory-logger.ts";
import {
  id,
  listenAnywhere,
  type Pair,
  readCluster,
  serveEcho,
  slice,
  startPair,
  startProxy,
  TestAuthority,
  type TestProxy,
  until,
} from "./proxy-world.ts";

// What happens at each limit of a proxy that peers or clients can reach by connecting, with small limits: who is refused, who is
// not, what an operator sees, and that there is room again when somebody has gone. Limits inside a tunnel: `stream/`.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type More = Parameters<typeof startPair>[0];

async function start(more: More): Promise<Pair> {
  const pair = await startPair(more);
  ends.push(() => pair.stop());
  return pair;
}

/** Another peer of east, which dials it. */
async function startNorth({ authority, east, west }: Pair): Promise<TestProxy> {
  const north = await startProxy(await authority.identity("north"));
  ends.push(() => north.node.stop(0));
  east.node.setPeers(
    new Map([
      [west.cluster, []],
      [north.cluster, []],
    ]),
  );
  north.node.setPeers(new Map([[east.cluster, [east.endpoint]]]));
  return north;
}

const usable = (from: TestProxy, to: ClusterId): number =>
  from.node.hub.peer(to)?.usable.length ?? 0;

/** Connects, and says something; whether it came back. */
async function dial(port: number): Promise<{ socket: Socket; isServed: boolean }> {
  const socket = connect(port, "127.0.0.1");
  ends.push(() => socket.destroy());
  const isServed = await new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.write("x");
  });
  return { socket, isServed };
}

const errorsOf = ({ node }: TestProxy, service: string): unknown =>
  node.countTraffic().services.find((line) => line.service === service)?.errors;

test("connections that say nothing make room for those that do, the oldest first", async () => {
  const meter = new PrometheusMeter();
  const pair = await start({ east: { acceptorLimits: { handshakesMax: 5 }, meter } });
  const [host, port] = pair.east.endpoint.split(":");
  const silent: Socket[] = [];
  for (let n = 0; n < 20; n++) {
    const socket = connect(Number(port), host);
    socket.on("error", () => undefined);
    ends.push(() => socket.destroy());
    await once(socket, "connect");
    silent.push(socket);
  }
  await until("room is made", () => silent.filter(({ closed }) => closed).length === 15);
  expect(silent.slice(15).every(({ closed }) => !closed)).toBe(true);
  // With all places taken by who says nothing.
  const north = await startNorth(pair);
  await until("tunnels", () => usable(north, pair.east.cluster) === 2);
  expect(usable(pair.west, pair.east.cluster)).toBe(2);
  expect(await meter.text()).toMatch(/refused_total\{reason="handshake"\} 1[5-9]\n/);
});

test("a tunnel too many is refused, and taken when another one has gone", async () => {
  const [meter, log] = [new PrometheusMeter(), new MemoryLogger()];
  const pair = await start({ east: { acceptorLimits: { tunnelsMax: 3 }, meter, log } });
  const north = await startNorth(pair);
  await until("one tunnel", () => usable(north, pair.east.cluster) === 1);
  await until("a failure", () => north.node.hub.failureOf(pair.east.cluster) !== undefined);
  expect(usable(pair.west, pair.east.cluster)).toBe(2);
  expect(log.messages.filter((message) => message === "too many tunnels")).toHaveLength(1);
  expect(await meter.text()).toMatch(/refused_total\{reason="tunnels"\} [1-9]/);
  await pair.west.node.stop(0);
  await until("the other one", () => usable(north, pair.east.cluster) === 2);
});

test("one peer has no more tunnels than its own limit, and others are taken", async () => {
  const meter = new PrometheusMeter();
  const pair = await start({ east: { tunnelsPerPeerMax: 2, meter } });
  const replica = await startProxy(await pair.authority.identity("west"));
  ends.push(() => replica.node.stop(0));
  replica.node.setPeers(new Map([[pair.east.cluster, [pair.east.endpoint]]]));
  await until("why", () => replica.node.hub.failureOf(pair.east.cluster) !== undefined);
  expect(replica.node.hub.failureOf(pair.east.cluster)).toBe(
    "tunnel to east ended: no room: the peer takes at most 2 tunnels of one member",
  );
  expect(usable(replica, pair.east.cluster)).toBe(0);
  expect(await meter.text()).toMatch(/refused_total\{reason="peer"\} [1-9]/);
  const north = await startNorth(pair);
  await until("tunnels", () => usable(north, pair.east.cluster) === 2);
});

test("connections through relays are limited too, and one neighbour leaves room for another", async () => {
  const meter = new PrometheusMeter();
  const name = "isthmus_proxy_tunnels_refused_total";
  const deps = {
    ...{ clock: systemClock, log: silentLogger, readCluster, onSecured: () => undefined },
    refused: meter.counter({ name, help: "for this test", labels: ["reason"] }),
  };
  const identity = await (await TestAuthority.create()).identity("east");
  const acceptor = new TunnelAcceptor(identity, { relayedMax: 10 }, deps);
  const take = (neighbour: string): PassThrough => {
    const connection = new PassThrough();
    ends.push(() => connection.destroy());
    acceptor.take(connection, id(neighbour));
    return connection;
  };
  const near = Array.from({ length: 12 }, () => take("near"));
  expect(near.filter(({ destroyed }) => !destroyed)).toHaveLength(9);
  expect(await meter.text()).toMatch(/refused_total\{reason="relayed"\} 3\n/);
  expect(take("far").destroyed).toBe(false);
  near[0]?.destroy();
  await once(near[0] ?? new PassThrough(), "close");
  expect(take("near").destroyed).toBe(false);
  expect(take("near").destroyed).toBe(true);
});

test("a TCP client too many is reset and counted, other services are not touched, and the next has its place", async () => {
  const log = new MemoryLogger();
  const pair = await start({ west: { clientsMax: 2, log } });
  const echo = await serveEcho(ends);
  const [full, other] = [
    await pair.carry(echo, "TCP", "shop/db"),
    await pair.carry(echo, "TCP", "shop/web"),
  ];
  const [first, second] = [await dial(full), await dial(full)];
  expect([first.isServed, second.isServed]).toEqual([true, true]);
  for (let n = 0; n < 3; n++) expect((await dial(full)).isServed).toBe(false);
  expect((await dial(other)).isServed).toBe(true);
  expect(errorsOf(pair.west, "shop/db")).toEqual({ overload: 3 });
  expect(errorsOf(pair.west, "shop/web")).toEqual({});
  expect(log.messages).toEqual(["too many clients of an imported port"]);
  first.socket.destroy();
  await until("nobody is counted who has gone", () => {
    const streams = pair.west.node.hub.peer(pair.east.cluster)?.all ?? [];
    return streams.reduce((sum, { streamCount }) => sum + streamCount, 0) === 2;
  });
  expect((await dial(full)).isServed).toBe(true);
});

test("a UDP client too many is not heard and counted, until somebody else has been idle", async () => {
  const log = new MemoryLogger();
  const time = new VirtualClock();
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => time.monotonicMs(),
    setTimer: (ms, callback) => time.setTimer(ms, callback),
  };
  // Shorter than a beat of its tunnels.
  const pair = await start({ west: { clientsMax: 1, log, clock, udpIdleMs: 300 } });
  const server = createSocket("udp4", (datagram, from) => {
    server.send(datagram, from.port, from.address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const port = await pair.carry(server.address().port, "UDP", "shop/dns");
  const [first, second] = [createSocket("udp4"), createSocket("udp4")];
  for (const client of [first, second]) ends.push(() => client.close());
  const answered = once(first, "message");
  first.send("one", port, "127.0.0.1");
  await answered;
  second.send("two", port, "127.0.0.1");
  await until("it is refused", () =>
    JSON.stringify(errorsOf(pair.west, "shop/dns")).includes("overload"),
  );
  expect(log.messages).toEqual(["too many clients of an imported port"]);
  await time.advance(300);
  const heard = once(second, "message");
  second.send("two", port, "127.0.0.1");
  expect(String((await heard)[0])).toBe("two");
});

test("one service that takes all the memory it can leaves room for another one, and for another peer", async () => {
  // Room for 30 streams.
  const pair = await start({ east: { bufferMaxBytes: 30 * 65_536 } });
  const echo = await serveEcho(ends);
  const [greedy, modest] = [
    await pair.carry(echo, "TCP", "shop/greedy"),
    await pair.carry(echo, "TCP", "shop/modest"),
  ];
  const clients = [];
  for (let n = 0; n < 28; n++) clients.push(await dial(greedy));
  const served = clients.filter(({ isServed }) => isServed);
  expect(served).toHaveLength(24);
  expect(errorsOf(pair.west, "shop/greedy")).toEqual({ overload: 4 });
  expect((await dial(modest)).isServed).toBe(true);
  const north = await startNorth(pair);
  await until("tunnels", () => usable(north, pair.east.cluster) === 2);
  const fromNorth = await listenAnywhere(north, (port) =>
    slice("east", "shop/greedy", { name: "main", port }),
  );
  expect((await dial(fromNorth)).isServed).toBe(true);
  served[0]?.socket.destroy();
  await until("its place is free", () => {
    const streams = pair.east.node.hub.peers.flatMap(({ all }) => all);
    return streams.reduce((sum, { streamCount }) => sum + streamCount, 0) === 25;
  });
});

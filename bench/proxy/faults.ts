import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { ClusterId } from "../../api/cluster-id.ts";
import {
  clockOffBy,
  slice,
  startProxy,
  TestAuthority,
  type TestProxy,
  until,
} from "../../test/system/proxy/proxy-world.ts";

// `node bench/proxy/faults.ts`: what connections and clients see of each fault: which open ones live, and for how long no new
// one is served. Prints a table, medians of the rounds.

const ROUNDS = 5;
const EVERY_MS = 10;
const rows = new Map<string, { survived: number; of: number; gapsMs: number[] }>();

/** Says back what it hears. */
async function serveEcho(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, server };
}

/** A place between two proxies where all connections can be cut. */
async function startCable(to: string): Promise<{ endpoint: string; cut(): void; close(): void }> {
  const [host, port] = to.split(":");
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    close: () => server.close(),
  };
}

/** Whether a new connection is served within a second. */
function asks(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 });
    const end = (isGood: boolean) => () => {
      socket.destroy();
      resolve(isGood);
    };
    socket.on("connect", () => socket.write("x"));
    socket.once("data", end(true));
    socket.once("error", end(false));
    socket.once("close", end(false));
    socket.once("timeout", end(false));
  });
}

/** Connects again and again, to one of the ports as a Service would, until told; the longest time between two successes. */
function meterGaps(ports: () => readonly number[]): () => Promise<number> {
  const over = new AbortController();
  let longest = 0;
  let last = performance.now();
  const running = (async () => {
    for (let n = 0; !over.signal.aborted; n++) {
      const all = ports();
      const port = all[n % all.length];
      if (port !== undefined && (await asks(port))) {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return async () => {
    over.abort();
    await running;
    return Math.max(longest, performance.now() - last);
  };
}

/** A connection that stays: whether it still answers. */
async function openLong(port: number): Promise<() => Promise<boolean>> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write("a");
  await once(socket, "data");
  return () =>
    new Promise((resolve) => {
      if (socket.destroyed) return resolve(false);
      socket.once("data", () => resolve(true));
      socket.once("close", () => resolve(false));
      setTimeout(() => resolve(false), 2_000);
      socket.write("b");
    }).then((isAlive) => {
      socket.destroy();
      return isAlive === true;
    });
}

let nextPort = 23_000;
const ends: (() => unknown)[] = [];

async function proxy(...args: Parameters<typeof startProxy>): Promise<TestProxy> {
  const started = await startProxy(...args);
  ends.push(() => started.node.stop(0));
  return started;
}

function exports(east: TestProxy, port: number): void {
  east.node.putSlice(slice("east", "shop/db", { name: "main", port }));
}

async function imports(west: TestProxy): Promise<number> {
  const port = nextPort++;
  west.node.putSlice(slice("east", "shop/db", { name: "main", port }));
  await west.node.applyImports();
  return port;
}

const usable = (from: TestProxy, to: ClusterId): number =>
  from.node.hub.peer(to)?.usable.length ?? 0;

async function round(
  name: string,
  prepare: (echo: number) => Promise<{
    readonly ports: readonly number[];
    readonly fault: () => unknown;
  }>,
): Promise<void> {
  const { port, server } = await serveEcho();
  try {
    const { ports, fault } = await prepare(port);
    const long = await Promise.all(
      Array.from({ length: 10 }, (_, n) => openLong(ports[n % ports.length] ?? 0)),
    );
    const gap = meterGaps(() => ports);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await fault();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const gapMs = await gap();
    const alive = (await Promise.all(long.map((ask) => ask()))).filter(Boolean).length;
    const row = rows.get(name) ?? { survived: 0, of: 0, gapsMs: [] };
    row.survived += alive;
    row.of += long.length;
    row.gapsMs.push(gapMs);
    rows.set(name, row);
  } finally {
    for (const end of ends.splice(0).reverse()) await end();
    server.close();
  }
}

async function pair(authority: TestAuthority): Promise<{
  readonly west: TestProxy;
  readonly east: TestProxy;
  readonly cable: Awaited<ReturnType<typeof startCable>>;
}> {
  const east = await proxy(await authority.identity("east"));
  const west = await proxy(await authority.identity("west"));
  const cable = await startCable(east.endpoint);
  ends.push(() => cable.close());
  east.node.setPeers(new Map([[west.cluster, []]]));
  west.node.setPeers(new Map([[east.cluster, [cable.endpoint]]]));
  await until("tunnels", () => usable(west, east.cluster) >= 2);
  return { west, east, cable };
}

for (let n = 0; n < ROUNDS; n++) {
  const authority = await TestAuthority.create();
  await round("tunnels cut (all connections between the proxies reset)", async (echo) => {
    const { west, east, cable } = await pair(authority);
    exports(east, echo);
    return { ports: [await imports(west)], fault: () => cable.cut() };
  });
  await round("one of two proxies of the exporting side stopped at once", async (echo) => {
    const [one, two] = [
      await proxy(await authority.identity("east")),
      await proxy(await authority.identity("east")),
    ];
    const west = await proxy(await authority.identity("west"));
    for (const east of [one, two]) {
      east.node.setPeers(new Map([[west.cluster, []]]));
      exports(east, echo);
    }
    west.node.setPeers(new Map([[one.cluster, [one.endpoint, two.endpoint]]]));
    await until("tunnels", () => usable(west, one.cluster) >= 4);
    return { ports: [await imports(west)], fault: () => one.node.stop(0) };
  });
  await round("one of two relays stopped at once", async (echo) => {
    const east = await proxy(await authority.identity("east"));
    const west = await proxy(await authority.identity("west"));
    const relays = [
      await proxy(await authority.identity("relay-1")),
      await proxy(await authority.identity("relay-2")),
    ];
    const dialled = relays.map(({ cluster, endpoint }): [ClusterId, readonly string[]] => [
      cluster,
      [endpoint],
    ]);
    west.node.setPeers(new Map([...dialled, [east.cluster, []]]));
    east.node.setPeers(new Map([...dialled, [west.cluster, []]]));
    for (const { node } of relays) {
      node.setPeers(
        new Map([
          [west.cluster, []],
          [east.cluster, []],
        ]),
      );
    }
    await until("a relayed tunnel", () => usable(west, east.cluster) > 0);
    exports(east, echo);
    return {
      ports: [await imports(west)],
      // The one that carries the tunnel.
      fault: () => {
        const carrying = relays.toSorted((a, b) => carried(b) - carried(a))[0];
        return carrying?.node.stop(0);
      },
    };
  });
  await round("certificates and authority replaced on both sides", async (echo) => {
    const { west, east } = await pair(authority);
    exports(east, echo);
    const next = await TestAuthority.create();
    const authorities = [authority.certPem, next.certPem];
    return {
      ports: [await imports(west)],
      fault: async () => {
        west.node.setIdentity(await authority.identity("west", { authorities }));
        east.node.setIdentity(await authority.identity("east", { authorities }));
        east.node.setIdentity(await next.identity("east", { authorities }));
        west.node.setIdentity(await next.identity("west", { authorities }));
      },
    };
  });
  await round("a peer's clock 30 minutes ahead, certificates of an hour", async (echo) => {
    const lifeMs = 3_600_000;
    const clock = clockOffBy(1_800_000);
    const east = await proxy(await authority.identity("east", { lifeMs }), { clock });
    const west = await proxy(await authority.identity("west", { lifeMs }));
    east.node.setPeers(new Map([[west.cluster, []]]));
    west.node.setPeers(new Map([[east.cluster, [east.endpoint]]]));
    await until("tunnels", () => usable(west, east.cluster) >= 2);
    exports(east, echo);
    return { ports: [await imports(west)], fault: () => undefined };
  });
}

function carried({ node }: TestProxy): number {
  return node.hub.peers.flatMap(({ all }) => all).reduce((sum, { bytesIn }) => sum + bytesIn, 0);
}

process.stdout.write(
  "| fault | open connections that live on | longest time without a new connection, median and worst, ms |\n|---|---|---|\n",
);
for (const [name, { survived, of, gapsMs }] of rows) {
  const sorted = gapsMs.toSorted((a, b) => a - b).map(Math.round);
  const median = sorted[Math.floor(sorted.length / 2)];
  process.stdout.write(`| ${name} | ${survived} of ${of} | ${median}, ${sorted.at(-1)} |\n`);
}
process.exit(0);

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { TestAuthority } from "../../test/system/proxy/proxy-world.ts";
import { loadAverage } from "../dns/process-usage.ts";
import { ProxyChild } from "./proxy-child.ts";
import type { ProxySetup } from "./proxy-process.ts";

// `npm run faults:proxy`: what connections and clients see of each fault: which open ones live on, and for how long no new one is
// served. Every proxy is a process of its own. Prints a table, medians of the rounds.

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, only: { type: "string", default: "" } },
});
const EVERY_MS = 10;
const LONG = 10;
/** A hang is seen as one only after this. */
const WATCH_MS = 9_000;
const HOUR_MS = 3_600_000;

interface Row {
  survived: number;
  of: number;
  readonly gapsMs: number[];
}
const rows = new Map<string, Row>();
const ends: (() => unknown)[] = [];

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
async function startCable(to: number): Promise<{ readonly port: number; cut(): void }> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  ends.push(cut, () => server.close());
  return { port: (server.address() as AddressInfo).port, cut };
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
    socket.on("error", end(false));
    socket.once("close", end(false));
    socket.once("timeout", end(false));
  });
}

/** Connects again and again, to one of the ports as a Service would, until told; the longest time between two successes. */
function meterGaps(ports: readonly number[]): () => Promise<number> {
  const over = new AbortController();
  let longest = 0;
  let last = performance.now();
  const running = (async () => {
    for (let n = 0; !over.signal.aborted; n++) {
      if (await asks(ports[n % ports.length] ?? 0)) {
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
  return async () => {
    if (socket.destroyed) return false;
    const answered = new Promise<boolean>((resolve) => {
      socket.once("data", () => resolve(true));
      socket.once("close", () => resolve(false));
      setTimeout(() => resolve(false), 5_000);
    });
    socket.write("b");
    const isAlive = await answered;
    socket.destroy();
    return isAlive;
  };
}

interface Scene {
  readonly authority: TestAuthority;
  readonly echo: number;
}

interface Staged {
  readonly ports: readonly number[];
  readonly fault: () => unknown;
}

/** A proxy of a member; clients of east's service come to `clients` where it is not east itself. */
async function proxy(
  { authority, echo }: Scene,
  member: string,
  more: Partial<ProxySetup> & { readonly clients?: number; readonly lifeMs?: number } = {},
): Promise<ProxyChild & { readonly endpoint: string }> {
  const [free = 0] = await freePorts(1, systemRandom);
  const { clients, lifeMs, tunnelPort = free, ...setup } = more;
  const identity = await authority.identity(member, lifeMs === undefined ? {} : { lifeMs });
  const isEast = member === "east";
  const serves = isEast || clients !== undefined;
  const started = await ProxyChild.start({
    identity,
    peers: {},
    tunnels: 2,
    services: serves ? [{ name: "echo", clients: clients ?? 0, server: echo }] : [],
    tunnelPort,
    ...setup,
  });
  ends.push(async () => {
    const exited = once(started.process, "exit");
    if (started.process.exitCode !== null || started.process.signalCode !== null) return;
    started.signal("SIGKILL");
    await exited;
  });
  return Object.assign(started, { endpoint: `127.0.0.1:${tunnelPort}` });
}

/** West dials so many proxies of east; where clients come in, and all of them. */
async function westAndEast(
  scene: Scene,
  count: number,
  more: { readonly lifeMs?: number; readonly clockOffMs?: number } = {},
): Promise<{
  readonly clients: number;
  readonly west: ProxyChild;
  readonly easts: readonly ProxyChild[];
  readonly cut: () => void;
}> {
  const { lifeMs, clockOffMs = 0 } = more;
  const life = lifeMs === undefined ? {} : { lifeMs };
  const [clients = 0, ...tunnelPorts] = await freePorts(1 + count, systemRandom);
  const easts = await Promise.all(
    tunnelPorts.map((tunnelPort) =>
      proxy(scene, "east", { peers: { west: [] }, tunnelPort, clockOffMs, ...life }),
    ),
  );
  const cables = await Promise.all(tunnelPorts.map((port) => startCable(port)));
  const peers = { east: cables.map(({ port }) => `127.0.0.1:${port}`) };
  const west = await proxy(scene, "west", { peers, clients, ...life });
  await west.tunnelsTo("east", 2 * count);
  const cut = (): void => {
    for (const cable of cables) cable.cut();
  };
  return { clients, west, easts, cut };
}

/** East and west reach two relays and not each other; a tunnel through each is up. */
async function throughRelays(
  scene: Scene,
): Promise<{ readonly clients: number; readonly relays: readonly ProxyChild[] }> {
  const [clients = 0] = await freePorts(1, systemRandom);
  const peers = { west: [], east: [] };
  const relays = [
    await proxy(scene, "relay-1", { peers, relays: true }),
    await proxy(scene, "relay-2", { peers, relays: true }),
  ];
  const dialled = Object.fromEntries(
    relays.map(({ endpoint }, at) => [`relay-${at + 1}`, [endpoint]]),
  );
  const east = await proxy(scene, "east", { peers: { ...dialled, west: [] } });
  const west = await proxy(scene, "west", { peers: { ...dialled, east: [] }, clients });
  await west.tunnelsTo("east", relays.length);
  await east.tunnelsTo("west", relays.length);
  return { clients, relays };
}

const FAULTS: Readonly<Record<string, (scene: Scene) => Promise<Staged>>> = {
  "tunnels cut: all connections between the proxies reset": async (scene) => {
    const { clients, cut } = await westAndEast(scene, 1);
    return { ports: [clients], fault: cut };
  },
  "one of two proxies of the exporting side killed (SIGKILL)": async (scene) => {
    const { clients, easts } = await westAndEast(scene, 2);
    return { ports: [clients], fault: () => easts[0]?.signal("SIGKILL") };
  },
  "one of two proxies of the exporting side stands still (SIGSTOP)": async (scene) => {
    const { clients, easts } = await westAndEast(scene, 2);
    return { ports: [clients], fault: () => easts[0]?.signal("SIGSTOP") };
  },
  "one of two proxies of the exporting side asked to stop": async (scene) => {
    const { clients, easts } = await westAndEast(scene, 2);
    return { ports: [clients], fault: () => easts[0]?.drain() };
  },
  "one of two proxies of the importing side killed, clients try both": async (scene) => {
    const [one = 0, two = 0] = await freePorts(2, systemRandom);
    const east = await proxy(scene, "east", { peers: { west: [] } });
    const peers = { east: [east.endpoint] };
    const wests = [
      await proxy(scene, "west", { peers, clients: one }),
      await proxy(scene, "west", { peers, clients: two }),
    ];
    for (const west of wests) await west.tunnelsTo("east", 2);
    return { ports: [one, two], fault: () => wests[0]?.signal("SIGKILL") };
  },
  "one of two relays killed (SIGKILL)": async (scene) => {
    const { clients, relays } = await throughRelays(scene);
    return { ports: [clients], fault: () => relays[0]?.signal("SIGKILL") };
  },
  "one of two relays stands still (SIGSTOP)": async (scene) => {
    const { clients, relays } = await throughRelays(scene);
    return { ports: [clients], fault: () => relays[0]?.signal("SIGSTOP") };
  },
  "certificates and authority replaced on both sides": async (scene) => {
    const { clients, west, easts } = await westAndEast(scene, 1);
    const { authority } = scene;
    const next = await TestAuthority.create();
    const authorities = [authority.certPem, next.certPem];
    const fault = async (): Promise<void> => {
      for (const issuer of [authority, next]) {
        west.setIdentity(await issuer.identity("west", { authorities }));
        easts[0]?.setIdentity(await issuer.identity("east", { authorities }));
      }
    };
    return { ports: [clients], fault };
  },
  "a peer's clock 30 minutes ahead, certificates of an hour": async (scene) => {
    const { clients } = await westAndEast(scene, 1, { lifeMs: HOUR_MS, clockOffMs: HOUR_MS / 2 });
    return { ports: [clients], fault: () => undefined };
  },
};

async function round(
  name: string,
  stage: (scene: Scene) => Promise<Staged>,
  authority: TestAuthority,
): Promise<void> {
  const { port, server } = await serveEcho();
  ends.push(() => server.close());
  try {
    const { ports, fault } = await stage({ authority, echo: port });
    const long = await Promise.all(
      Array.from({ length: LONG }, (_, n) => openLong(ports[n % ports.length] ?? 0)),
    );
    const gap = meterGaps(ports);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await fault();
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    const gapMs = await gap();
    const alive = (await Promise.all(long.map((ask) => ask()))).filter(Boolean).length;
    const row = rows.get(name) ?? { survived: 0, of: 0, gapsMs: [] };
    row.survived += alive;
    row.of += long.length;
    row.gapsMs.push(gapMs);
    rows.set(name, row);
  } finally {
    for (const end of ends.splice(0).reverse()) await end();
  }
}

for (let n = 0; n < Number(values.rounds); n++) {
  const authority = await TestAuthority.create();
  for (const [name, stage] of Object.entries(FAULTS)) {
    if (name.includes(values.only)) await round(name, stage, authority);
  }
  process.stderr.write(`round ${n + 1}, load ${loadAverage()}\n`);
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

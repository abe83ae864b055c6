import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ProxyChild } from "../../../bench/proxy/proxy-child.ts";
import type { ProxySetup } from "../../../bench/proxy/proxy-process.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { serveEcho, TestAuthority } from "./proxy-world.ts";

// Proxies are processes of their own, and killed as such. How long each fault lasts is measured by `npm run faults:proxy`.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Member {
  readonly child: ProxyChild;
  readonly endpoint: string;
}

async function start(
  authority: TestAuthority,
  member: string,
  setup: Omit<ProxySetup, "identity" | "tunnelPort" | "tunnels">,
): Promise<Member> {
  const [tunnelPort = 0] = await freePorts(1, systemRandom);
  const identity = await authority.identity(member);
  const child = await ProxyChild.start({ ...setup, identity, tunnels: 2, tunnelPort });
  ends.push(() => child.signal("SIGKILL"));
  return { child, endpoint: `127.0.0.1:${tunnelPort}` };
}

/** Says something and waits for it to come back; undefined: the connection is no more. */
async function ask(socket: Socket): Promise<string | undefined> {
  if (socket.destroyed) return undefined;
  const answered = new Promise<string | undefined>((resolve) => {
    socket.once("data", (chunk: Buffer) => resolve(chunk.toString()));
    socket.once("close", () => resolve(undefined));
  });
  socket.write("x");
  return answered;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  ends.push(() => socket.destroy());
  expect(await ask(socket)).toBe("x");
  return socket;
}

/** Until a new connection is served. */
async function served(port: number): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 60_000; ) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    const answer = await ask(socket);
    socket.destroy();
    if (answer === "x") return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("no connection was served within a minute");
}

test("one of two proxies of the exporting side is killed: the other's connections live on, new ones are served", async () => {
  const authority = await TestAuthority.create();
  const server = await serveEcho(ends);
  const services = [{ name: "echo", clients: 0, server }];
  const peers = { west: [] };
  const [one, two] = await Promise.all([
    start(authority, "east", { peers, services }),
    start(authority, "east", { peers, services }),
  ]);
  const [clients = 0] = await freePorts(1, systemRandom);
  const west = await start(authority, "west", {
    peers: { east: [one.endpoint, two.endpoint] },
    services: [{ name: "echo", clients, server }],
  });
  await west.child.tunnelsTo("east", 4);
  const sockets: Socket[] = [];
  for (let n = 0; n < 8; n++) sockets.push(await open(clients));
  one.child.signal("SIGKILL");
  await once(one.child.process, "exit");
  await served(clients);
  const alive = (await Promise.all(sockets.map(ask))).filter((answer) => answer === "x");
  // Two tunnels lead to each, and every tunnel has two of the eight.
  expect(alive.length).toBeGreaterThan(0);
  expect(alive.length).toBeLessThan(8);
});

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { TurnEnd } from "../../../connectivity/proxy/bridge/turn-end.ts";
import type {
  ListenerSlot,
  WantedListener,
} from "../../../connectivity/proxy/listen/import-book.ts";
import {
  LINGER_MS,
  RETRY_MAX_MS,
  ServiceListeners,
} from "../../../connectivity/proxy/listen/service-listeners.ts";
import { StreamRecorder } from "../../../connectivity/proxy/traffic/stream-record.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { id, nextPorts } from "./proxy-world.ts";

const DB: WantedListener = {
  peer: id("east"),
  namespace: "shop",
  name: "db",
  port: "main",
  protocol: "tcp",
};
const CACHE: WantedListener = { ...DB, name: "cache" };

let listeners: ServiceListeners;
let clock: VirtualClock;
let asked: string[];
afterEach(() => listeners.close());

/** A listener for DB; its port. */
async function startOne(): Promise<number> {
  clock = new VirtualClock();
  asked = [];
  const shared = { clock, log: silentLogger, meter: silentMeter };
  listeners = new ServiceListeners("127.0.0.1", {
    ...shared,
    random: systemRandom,
    open: (_peer, header) => {
      if (header.kind === "service") asked.push(header.name);
      return "going-away";
    },
    namespaceOf: () => "",
    portNumberOf: () => 0,
    udpIdleMs: 60_000,
    turnEnd: new TurnEnd(),
    recorder: new StreamRecorder({ logsConnections: false }, shared),
  });
  for (const port of nextPorts()) {
    await listeners.set(new Map([[slotOf(port), DB]]));
    if (listeners.problems.length === 0) return port;
  }
  throw new Error("no port could be opened");
}

/** Somebody else has a port; gives it back when asked. */
async function occupy(port: number): Promise<() => Promise<unknown>> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return () => new Promise((resolve) => server.close(resolve));
}

const slotOf = (port: number): ListenerSlot => `tcp ${port}`;

/** Resolves when whoever listens there has heard of us, or nobody does. */
function dial(port: number): Promise<"taken" | "refused"> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    // There is no tunnel: whoever is taken is reset, maybe before it has heard that it is connected.
    socket.on("error", (error) =>
      resolve("code" in error && error.code === "ECONNREFUSED" ? "refused" : "taken"),
    );
    socket.on("close", () => resolve("taken"));
  });
}

test("a port that is wanted no more takes clients for a while, since they hear of it later than we do", async () => {
  const port = await startOne();
  expect(await dial(port)).toBe("taken");
  await listeners.set(new Map());
  await clock.advance(LINGER_MS - 1);
  // Another pass does not begin the time anew.
  await listeners.set(new Map());
  expect(await dial(port)).toBe("taken");
  await clock.advance(1);
  expect(await dial(port)).toBe("refused");
});

test("a port that is wanted again in time stays", async () => {
  const port = await startOne();
  await listeners.set(new Map());
  await clock.advance(LINGER_MS / 2);
  await listeners.set(new Map([[slotOf(port), DB]]));
  await clock.advance(2 * LINGER_MS);
  expect(await dial(port)).toBe("taken");
});

test("a port that is wanted for something else is that at once", async () => {
  const port = await startOne();
  await listeners.set(new Map());
  await listeners.set(new Map([[slotOf(port), CACHE]]));
  expect(listeners.problems).toEqual([]);
  await dial(port);
  await clock.advance(2 * LINGER_MS);
  await dial(port);
  expect(asked).toEqual(["cache", "cache"]);
});

test("a port that somebody else has is tried again, and a slice that changes is not waited for", async () => {
  const port = await startOne();
  await listeners.set(new Map());
  await clock.advance(LINGER_MS);
  const free = await occupy(port);
  await listeners.set(new Map([[slotOf(port), DB]]));
  expect(listeners.problems).toEqual([expect.stringContaining(`${port}`)]);
  await free();
  // Between one try and the next the system has to answer, which no clock here moves.
  while (!listeners.has(slotOf(port))) {
    await clock.advance(RETRY_MAX_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([listeners.problems, await dial(port)]).toEqual([[], "taken"]);
});

test("once they are closed nothing opens them again: slices change while a proxy stops", async () => {
  const port = await startOne();
  listeners.close();
  await listeners.set(new Map([[slotOf(port), DB]]));
  expect([listeners.size, await dial(port)]).toEqual([0, "refused"]);
});

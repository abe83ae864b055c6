import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { listenTcp } from "./loopback.ts";
import { relay } from "./relay.ts";

const IDLE_MS = 600_000;

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

/** Two ends of one connection. */
async function aConnection(): Promise<readonly [near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const port = await listenTcp(server, { host: "127.0.0.1", port: 0 });
  if (!port.ok) throw new Error(port.error);
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const far = createConnection({ host: "127.0.0.1", port: port.value, allowHalfOpen: true });
  const [near] = await accepted;
  server.close();
  opened.push(near, far);
  return [near, far];
}

/** A relay with its two users; `ended` tells how each saw it end. */
async function aRelay(clock: VirtualClock) {
  const [left, client] = await aConnection();
  const [right, server] = await aConnection();
  relay(left, right, { idleTimeoutMs: IDLE_MS }, clock);
  const ended: string[] = [];
  for (const socket of [client, server]) {
    socket.on("error", (error: NodeJS.ErrnoException) => void ended.push(error.code ?? ""));
    socket.on("end", () => void ended.push("end"));
    socket.resume();
  }
  return { client, server, ended };
}

async function say(from: Socket, to: Socket, text: string): Promise<void> {
  const heard = once(to, "data");
  from.write(text);
  expect(String(await heard)).toBe(text);
}

test("a relay that is silent in both directions is reset within two periods", async () => {
  const clock = new VirtualClock();
  const { client, server, ended } = await aRelay(clock);
  await say(client, server, "hello");
  await clock.advance(IDLE_MS);
  expect(ended).toEqual([]);
  await clock.advance(IDLE_MS);
  await expect.poll(() => ended).toEqual(["ECONNRESET", "ECONNRESET"]);
  expect(clock.timerCount).toBe(0);
});

test("traffic in one direction keeps it", async () => {
  const clock = new VirtualClock();
  const { client, server, ended } = await aRelay(clock);
  for (let round = 0; round < 5; round += 1) {
    await say(server, client, `line ${round}`);
    await clock.advance(IDLE_MS);
  }
  expect(ended).toEqual([]);
  await clock.advance(IDLE_MS);
  await expect.poll(() => ended).toEqual(["ECONNRESET", "ECONNRESET"]);
});

test("half a close passes, the other half still carries, and nothing is left behind", async () => {
  const clock = new VirtualClock();
  const { client, server, ended } = await aRelay(clock);
  client.end("last words");
  await expect.poll(() => ended).toEqual(["end"]);
  await say(server, client, "answer");
  server.end();
  await expect.poll(() => ended).toEqual(["end", "end"]);
  await expect.poll(() => clock.timerCount).toBe(0);
});

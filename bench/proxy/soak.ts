import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadAverage, memoryMiB } from "../dns/process-usage.ts";
import { makeIdentities } from "./identities.ts";
import { ProxyChild } from "./proxy-child.ts";

// `npm run soak:proxy`: a long transfer with a checksum, very many streams at once, very many connections one after the other;
// prints what the two proxies need for it. Exits with 1 when a byte is wrong or a connection failed.

const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "10" },
    streams: { type: "string", default: "10000" },
    "per-second": { type: "string", default: "1000" },
    seconds: { type: "string", default: "180" },
    parts: { type: "string", default: "transfer,streams,connections" },
  },
});
const parts = new Set(values.parts.split(","));
const ECHO = 7401;
const CLIENTS = 7410;
const TUNNELS = 7419;
const CHUNK = 1024 * 1024;
/** Loopback addresses that clients have in turn: one has few ports, and a kernel that has given out half of them looks for one long. */
const SOURCES = 250;
/** Connections of this process under way at once: more than it has descriptors for would fail here, not in the proxies. */
const UNDER_WAY_MAX = 4_000;
const folder = mkdtempSync(join(tmpdir(), "soak-proxy-"));
const children: ChildProcess[] = [];
let problems = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string): void {
  problems += 1;
  say(`WRONG: ${line}`);
}

function dial(n = 0): Socket {
  const localAddress = `127.0.1.${1 + (n % SOURCES)}`;
  const socket = connect({ port: CLIENTS, host: "127.0.0.1", localAddress, noDelay: true });
  socket.on("error", () => undefined);
  return socket;
}

async function transfer(): Promise<void> {
  const chunks = Math.round((Number(values.gigabytes) * 1e9) / CHUNK);
  const socket = dial();
  await once(socket, "connect");
  const [sent, got] = [createHash("sha1"), createHash("sha1")];
  let bytes = 0;
  let most = 0;
  socket.on("data", (chunk: Buffer) => {
    got.update(chunk);
    bytes += chunk.length;
  });
  const ended = once(socket, "end");
  const began = performance.now();
  const chunk = Buffer.alloc(CHUNK);
  for (let n = 0; n < chunks; n++) {
    // No two chunks are alike, so that one that comes twice, or not, or elsewhere is seen.
    const next = Buffer.from(chunk);
    for (let at = 0; at < CHUNK; at += 4096) next.writeUInt32LE(n * 256 + at / 4096, at);
    sent.update(next);
    if (!socket.write(next)) await once(socket, "drain");
    if (n % 500 === 0) most = Math.max(most, ...memories());
  }
  socket.end();
  await ended;
  const seconds = (performance.now() - began) / 1000;
  if (bytes !== chunks * CHUNK || sent.digest("hex") !== got.digest("hex")) {
    fail(`${bytes} of ${chunks * CHUNK} bytes came back, or others`);
  }
  const gigabytes = (2 * bytes) / 1e9;
  say(
    `transfer: ${gigabytes.toFixed(1)} GB there and back in ${seconds.toFixed(0)} s, checksums equal; ` +
      `memory at most ${most} MiB a proxy`,
  );
}

async function streams(): Promise<void> {
  const count = Number(values.streams);
  const began = performance.now();
  const sockets: Socket[] = [];
  const answered: Promise<string | undefined>[] = [];
  for (let n = 0; n < count; n++) {
    const socket = dial(n);
    sockets.push(socket);
    answered.push(echoes(socket, `stream ${n}`));
    // As many as may be under way: a listener's queue is not what is tried here.
    if (n % 500 === 499) await Promise.all(answered);
  }
  const good = (await Promise.all(answered)).filter((problem) => problem === undefined).length;
  const seconds = (performance.now() - began) / 1000;
  const [west, east] = memories();
  const again = await Promise.all(sockets.map((socket, n) => echoes(socket, `again ${n}`)));
  const goodAgain = again.filter((problem) => problem === undefined).length;
  if (good !== count || goodAgain !== count) fail(`${good} and ${goodAgain} of ${count} answered`);
  say(
    `streams: ${good} open at once after ${seconds.toFixed(1)} s, each answered, and again; ` +
      `memory ${west} and ${east} MiB`,
  );
  for (const socket of sockets) socket.destroy();
}

/** Says a text and waits until it comes back whole; undefined, or what went wrong. */
function echoes(socket: Socket, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let held = "";
    const end = (problem: string | undefined): void => {
      socket.removeListener("data", onData);
      socket.removeListener("close", onClose);
      resolve(problem);
    };
    const onClose = (): void => end(socket.errored?.message ?? "ended without an answer");
    const onData = (chunk: Buffer): void => {
      held += chunk.toString();
      if (held.length >= text.length) end(held === text ? undefined : "other bytes came back");
    };
    socket.on("data", onData);
    socket.once("close", onClose);
    socket.write(text);
  });
}

async function connections(): Promise<void> {
  const perSecond = Number(values["per-second"]);
  const total = perSecond * Number(values.seconds);
  let started = 0;
  const began = performance.now();
  const memory: number[] = [];
  const times: number[] = [];
  const failures = new Map<string, number>();
  const one = async (n: number): Promise<void> => {
    const at = performance.now();
    const socket = dial(n);
    // No two say the same: an answer that is somebody else's is seen.
    const problem = await echoes(socket, `connection ${n} `.padEnd(64, "."));
    if (problem !== undefined) failures.set(problem, (failures.get(problem) ?? 0) + 1);
    times.push(performance.now() - at);
    socket.destroySoon();
  };
  while (times.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond));
    const until = Math.min(due, times.length + UNDER_WAY_MAX);
    while (started < until) void one(started++);
    if (memory.length * 10_000 < performance.now() - began) {
      memory.push(Math.max(...memories()));
      process.stderr.write(`${times.length} of ${total}, ${memory.at(-1)} MiB\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((part) => times[Math.floor(times.length * part)]?.toFixed(0));
  for (const [problem, count] of failures) fail(`${count} of ${total} connections: ${problem}`);
  say(
    `connections: ${total} in ${seconds.toFixed(0)} s (${Math.round(total / seconds)}/s), ${failures.size === 0 ? "none" : "some"} failed, ` +
      `p50 ${p50} ms, p99 ${p99} ms; memory of the larger proxy every 10 s, MiB: ${memory.join(" ")}`,
  );
}

let memories = (): readonly number[] => [];
try {
  const echo = fork(join(import.meta.dirname, "small-requests.ts"), ["echo", String(ECHO)]);
  children.push(echo);
  await once(echo, "message");
  const identities = await makeIdentities(folder);
  const setup = { tunnels: 2, services: [{ name: "echo", clients: CLIENTS, server: ECHO }] };
  const east = await ProxyChild.start({
    ...{ ...setup, identity: identities.east, peers: { west: [] }, tunnelPort: TUNNELS },
  });
  children.push(east.process);
  const peers = { east: [`127.0.0.1:${TUNNELS}`] };
  const west = await ProxyChild.start({
    ...{ ...setup, identity: identities.west, peers, tunnelPort: TUNNELS - 1 },
  });
  children.push(west.process);
  await west.tunnelsTo("east", 2);
  memories = () => [west, east].map(({ pid }) => memoryMiB(pid));
  say(`at rest: memory ${memories().join(" and ")} MiB; load average ${loadAverage()}`);
  if (parts.has("transfer")) await transfer();
  if (parts.has("streams")) await streams();
  if (parts.has("connections")) await connections();
  say(`at the end: memory ${memories().join(" and ")} MiB; load average ${loadAverage()}`);
} finally {
  for (const each of children) each.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(problems === 0 ? 0 : 1);

import { type ChildProcess, execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { cpuSeconds, loadAverage } from "../dns/process-usage.ts";
import { startHaproxies } from "./haproxy.ts";
import { makeIdentities } from "./identities.ts";
import { ProxyChild } from "./proxy-child.ts";
import type { ProxySetup } from "./proxy-process.ts";
import type { Asked } from "./small-requests.ts";

// Isthmus and haproxy carry the same loads in the same place, in turn: `npm run bench:proxy`.

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    streams: { type: "string", default: "1,4,64" },
    tunnels: { type: "string", default: "2" },
    what: { type: "string", default: "throughput,connections,requests" },
    subjects: { type: "string", default: "direct,haproxy plain,haproxy TLS,Isthmus" },
  },
});
const seconds = Number(values.seconds);
const whats = new Set(values.what.split(","));
const folder = mkdtempSync(join(tmpdir(), "bench-proxy-"));
const children: ChildProcess[] = [];
const run = promisify(execFile);

interface Subject {
  readonly name: string;
  readonly iperf: number;
  readonly echo: number;
  readonly processes: readonly ChildProcess[];
}

const figures = new Map<string, number[]>();

function note(subject: Subject, what: string, value: number): void {
  const key = `${what} ${subject.name}`;
  figures.set(key, [...(figures.get(key) ?? []), value]);
}

function child(file: string, args: readonly string[] = []): ChildProcess {
  const started = fork(join(import.meta.dirname, file), [...args]);
  children.push(started);
  return started;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nobody listens on ${port}`);
}

async function startAll(): Promise<readonly Subject[]> {
  const identities = await makeIdentities(folder);
  const [iperf, echo] = [7300, 7301];
  children.push(spawn("iperf3", ["-s", "-p", String(iperf)], { stdio: "ignore" }));
  await once(child("small-requests.ts", ["echo", String(echo)]), "message");
  const ours = (base: number): ProxySetup["services"] => [
    { name: "iperf", clients: base, server: iperf },
    { name: "echo", clients: base + 1, server: echo },
  ];
  const tunnels = Number(values.tunnels);
  const setup = { tunnels, services: ours(7310) };
  const east = await ProxyChild.start({
    ...{ ...setup, identity: identities.east, peers: { west: [] }, tunnelPort: 7319 },
  });
  children.push(east.process);
  const peers = { east: ["127.0.0.1:7319"] };
  const west = await ProxyChild.start({
    ...{ ...setup, identity: identities.west, peers, tunnelPort: 7318 },
  });
  children.push(west.process);
  await west.tunnelsTo("east", tunnels);
  const theirs = (base: number) => [
    { clients: base, between: base + 2, server: iperf },
    { clients: base + 1, between: base + 3, server: echo },
  ];
  const plain = startHaproxies(folder, identities, false, theirs(7320));
  const tls = startHaproxies(folder, identities, true, theirs(7330));
  children.push(...plain, ...tls);
  const subjects = [
    { name: "direct", iperf, echo, processes: [] },
    { name: "haproxy plain", iperf: 7320, echo: 7321, processes: plain },
    { name: "haproxy TLS", iperf: 7330, echo: 7331, processes: tls },
    { name: "Isthmus", iperf: 7310, echo: 7311, processes: [west.process, east.process] },
  ];
  for (const subject of subjects) await listening(subject.echo);
  const wanted = new Set(values.subjects.split(","));
  return subjects.filter(({ name }) => wanted.has(name));
}

function cpu({ processes }: Subject): number {
  return processes.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : cpuSeconds(pid)), 0);
}

async function measureThroughput(subject: Subject, streams: number): Promise<void> {
  const before = cpu(subject);
  const args = ["-c", "127.0.0.1", "-p", String(subject.iperf), "-t", String(seconds), "-J"];
  const received = await iperf([...args, "-P", String(streams)]);
  note(subject, `Gbit/s, ${streams} streams`, received.bits_per_second / 1e9);
  const gigabits = (received.bytes * 8) / 1e9;
  if (subject.processes.length > 0) {
    note(subject, `CPU s per Gbit, ${streams} streams`, (cpu(subject) - before) / gigabits);
  }
}

/** The server takes one test at a time, and the one before may be ending yet. */
async function iperf(
  args: readonly string[],
): Promise<{ readonly bits_per_second: number; readonly bytes: number }> {
  let problem: unknown;
  for (let tries = 0; tries < 5; tries++) {
    try {
      const { stdout } = await run("iperf3", [...args], { maxBuffer: 1 << 26 });
      const { end, error } = JSON.parse(stdout);
      if (end?.sum_received !== undefined) return end.sum_received;
      problem = error;
    } catch (error) {
      problem = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`iperf3 ${args.join(" ")}: ${String(problem)}`);
}

async function measureSmall(subject: Subject, what: "connections" | "requests"): Promise<void> {
  const before = cpu(subject);
  const asking = child("small-requests.ts", [what, String(subject.echo), String(seconds)]);
  const [asked]: Asked[] = await once(asking, "message");
  if (asked === undefined) throw new Error("nothing was measured");
  note(subject, `${what}/s`, asked.perSecond);
  note(subject, `${what}, p50 ms`, asked.p50Ms);
  note(subject, `${what}, p99 ms`, asked.p99Ms);
  note(subject, `${what} that failed`, asked.failed);
  if (subject.processes.length > 0) {
    const each = (cpu(subject) - before) / (asked.perSecond * seconds);
    note(subject, `CPU ms per ${what.slice(0, -1)}`, each * 1000);
  }
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
}

function print(subjects: readonly Subject[]): void {
  const names = [
    ...new Set(
      [...figures.keys()].map((key) =>
        subjects.reduce((text, { name }) => text.replace(new RegExp(` ${name}$`), ""), key),
      ),
    ),
  ];
  const rows = names.map((what) => [
    what,
    ...subjects.map(({ name }) => {
      const all = figures.get(`${what} ${name}`);
      return all === undefined ? "" : median(all).toPrecision(3);
    }),
  ]);
  const head = ["", ...subjects.map(({ name }) => name)];
  for (const row of [head, head.map(() => "---"), ...rows]) {
    process.stdout.write(`| ${row.join(" | ")} |\n`);
  }
}

try {
  const subjects = await startAll();
  for (let round = 0; round < Number(values.rounds); round++) {
    const streamCounts = whats.has("throughput") ? values.streams.split(",").map(Number) : [];
    for (const streams of streamCounts) {
      for (const subject of subjects) await measureThroughput(subject, streams);
    }
    for (const what of ["connections", "requests"] as const) {
      for (const subject of whats.has(what) ? subjects : []) await measureSmall(subject, what);
    }
    process.stderr.write(`round ${round + 1}, load ${loadAverage()}\n`);
  }
  print(subjects);
} finally {
  for (const each of children) each.kill();
  rmSync(folder, { recursive: true, force: true });
}

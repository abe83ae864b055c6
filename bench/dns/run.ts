import { type ChildProcess, execFile, fork } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { decode } from "dns-packet";
import { queryPacket } from "../../dns-server/testing/test-responder.ts";
import { makeQuestions, serviceKeyOf } from "./clusterset.ts";

// Measures the DNS server over UDP on loopback: `node bench/dns/run.ts`. Needs dnsperf, which takes one core for itself.
// Prints one JSON object. Latencies at half load are those of a second client that asks one question at a time.

const SECONDS = 8;

async function main(): Promise<void> {
  const server = fork(new URL("./server.ts", import.meta.url));
  const [{ port, buildMs }] = await once(server, "message");
  const folder = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  const result: Record<string, unknown> = {
    services: 10_000,
    endpoints: 100_000,
    buildMs: Math.round(buildMs),
  };
  for (const kind of ["hits", "mixed"] as const) {
    const file = join(folder, kind);
    writeFileSync(file, makeQuestions(kind));
    const full = await dnsperf(port, file, []);
    const load = dnsperf(port, file, ["-Q", String(Math.round(full.perSecond / 2))]);
    const latency = await probe(port, (SECONDS - 2) * 1000);
    await load;
    result[kind] = { ...full, atHalfLoad: latency };
  }
  result["changeVisibleMs"] = await changes(server, port);
  server.send({ memory: true });
  const [{ memoryBytes }] = await once(server, "message");
  result["residentMiB"] = Math.round(memoryBytes / 2 ** 20);
  server.disconnect();
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
}

interface Throughput {
  readonly perSecond: number;
  readonly lost: number;
}

async function dnsperf(port: number, file: string, more: readonly string[]): Promise<Throughput> {
  const args = [
    "-s",
    "127.0.0.1",
    "-p",
    String(port),
    "-d",
    file,
    "-l",
    String(SECONDS),
    "-c",
    "4",
    "-q",
    "200",
    "-e",
    ...more,
  ];
  const { stdout } = await promisify(execFile)("dnsperf", args);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1]);
  return { perSecond: Math.round(number(/per second:\s+([\d.]+)/)), lost: number(/lost:\s+(\d+)/) };
}

const QUESTION = "svc-0.ns-0.svc.clusterset.local A";

async function probe(
  port: number,
  forMs: number,
): Promise<{ readonly p50Ms: number; readonly p99Ms: number }> {
  const socket = createSocket("udp4");
  const times: number[] = [];
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs) {
    const startMs = performance.now();
    await ask(socket, port, QUESTION);
    times.push(performance.now() - startMs);
  }
  socket.close();
  return percentiles(times);
}

/** From the change of an object to the first answer that has it. */
async function changes(
  server: ChildProcess,
  port: number,
): Promise<{ readonly p50Ms: number; readonly p99Ms: number }> {
  const socket = createSocket("udp4");
  const times: number[] = [];
  for (let turn = 0; turn < 100; turn++) {
    const index = turn * 2 + 1;
    const [namespace, name] = serviceKeyOf(index).split("/");
    const question = `pod-0.east.${name}.${namespace}.svc.clusterset.local A`;
    const before = await ask(socket, port, question);
    const startMs = performance.now();
    server.send({ change: index });
    while ((await ask(socket, port, question)) === before) {
      if (performance.now() - startMs > 10_000) throw new Error(`no change of ${question} in 10 s`);
    }
    times.push(performance.now() - startMs);
  }
  socket.close();
  return percentiles(times);
}

async function ask(socket: Socket, port: number, question: string): Promise<string> {
  socket.send(queryPacket(question), port, "127.0.0.1");
  const [message] = await once(socket, "message", { signal: AbortSignal.timeout(5000) });
  return JSON.stringify(decode(message).answers);
}

function percentiles(times: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (part: number): number =>
    Number((sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(3));
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

await main();

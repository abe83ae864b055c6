import { spawn } from "node:child_process";
import { mustRunIn, within } from "../../sandbox/network/netns/run-commands.ts";

export interface PathFigures {
  /** One TCP stream, Gbit/s. */
  readonly stream: number;
  /** Four at once. */
  readonly streams: number;
  /** Answers a second on one connection: one round trip after the other. */
  readonly answers: number;
  /** On sixteen. */
  readonly answersOfSixteen: number;
}

export interface MeasuredPath {
  /** Namespace of the pod that asks. */
  readonly client: string;
  /** The server as the client dials it. */
  readonly address: string;
}

const PORT = { iperf: 5201, answers: 5202 } as const;
/** What a server must export. */
export const MEASURED_PORTS: readonly number[] = Object.values(PORT);

/** Starts what a pod must run to be measured; it ends with the room. */
export function serveMeasurements(namespace: string, rr: string): void {
  for (const argv of [
    ["iperf3", "-s", "-p", String(PORT.iperf)],
    [rr, "serve", String(PORT.answers)],
  ]) {
    const [program = "", ...args] = within(namespace, argv);
    spawn(program, args, { stdio: "ignore" }).unref();
  }
}

export async function measurePath(
  path: MeasuredPath,
  rr: string,
  seconds: number,
): Promise<PathFigures> {
  // What is only set up by the first packet, such as a session of WireGuard, is not measured.
  await mustRunIn(path.client, ["ping", "-c", "1", "-w", "20", path.address]);
  return {
    stream: await throughput(path, 1, seconds),
    streams: await throughput(path, 4, seconds),
    answers: await answers(path, rr, 1, seconds),
    answersOfSixteen: await answers(path, rr, 16, seconds),
  };
}

/** Each figure's median. */
export function medianFigures(rounds: readonly PathFigures[]): PathFigures {
  const of = (pick: (figures: PathFigures) => number): number => {
    const sorted = rounds.map(pick).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return {
    stream: of((figures) => figures.stream),
    streams: of((figures) => figures.streams),
    answers: of((figures) => figures.answers),
    answersOfSixteen: of((figures) => figures.answersOfSixteen),
  };
}

async function throughput(path: MeasuredPath, streams: number, seconds: number): Promise<number> {
  const text = await mustRunIn(path.client, [
    ...["iperf3", "-c", path.address, "-p", String(PORT.iperf), "--json"],
    ...["-P", String(streams), "-t", String(seconds), "--connect-timeout", "3000"],
  ]);
  const report = JSON.parse(text) as {
    readonly error?: string;
    readonly end: { readonly sum_received?: { readonly bits_per_second: number } };
  };
  const { error = "no sum_received in its report" } = report;
  const received = report.end.sum_received;
  if (received === undefined) throw new Error(`iperf3 to ${path.address}: ${error}`);
  return received.bits_per_second / 1e9;
}

async function answers(
  path: MeasuredPath,
  rr: string,
  connections: number,
  seconds: number,
): Promise<number> {
  const text = await mustRunIn(path.client, [
    ...[rr, "ask", path.address, String(PORT.answers), String(connections), String(seconds)],
  ]);
  return Number(text.trim());
}

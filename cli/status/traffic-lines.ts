import type { ServiceTraffic } from "../../api/network/proxy-traffic.ts";
import { table } from "../output/table.ts";

/** Connections of one service with one peer, in one direction, of all proxies together. */
export type TrafficLine = ServiceTraffic;

/** Sums what proxies have carried; of latencies the worst, since quantiles cannot be added up. */
export function trafficLines(
  proxies: readonly (readonly ServiceTraffic[])[],
): readonly TrafficLine[] {
  const lines = new Map<string, TrafficLine>();
  for (const line of proxies.flat()) {
    const key = `${line.service} ${line.peer} ${line.direction}`;
    const known = lines.get(key);
    lines.set(key, known === undefined ? line : sumOf(known, line));
  }
  return [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

function sumOf(a: TrafficLine, b: TrafficLine): TrafficLine {
  const reasons = new Set([...Object.keys(a.errors), ...Object.keys(b.errors)]);
  const connectMs = [a.connectMs, b.connectMs].filter((each) => each !== undefined);
  return {
    peer: a.peer,
    service: a.service,
    direction: a.direction,
    open: a.open + b.open,
    connections: a.connections + b.connections,
    failed: a.failed + b.failed,
    bytesFromTunnel: a.bytesFromTunnel + b.bytesFromTunnel,
    bytesToTunnel: a.bytesToTunnel + b.bytesToTunnel,
    errors: Object.fromEntries(
      [...reasons].map((reason) => [reason, (a.errors[reason] ?? 0) + (b.errors[reason] ?? 0)]),
    ),
    ...(connectMs.length > 0 && {
      connectMs: {
        p50: Math.max(...connectMs.map(({ p50 }) => p50)),
        p99: Math.max(...connectMs.map(({ p99 }) => p99)),
      },
    }),
  };
}

/** Nothing where no proxy carries anything. */
export function trafficText(lines: readonly TrafficLine[]): readonly string[] {
  if (lines.length === 0) return [];
  const head = ["CARRIED", "PEER", "CLIENTS", "OPEN", "MADE", "TO SERVER", "TO CLIENT"];
  const rows = lines.map((line) => [
    line.service === "" ? "(not exported)" : line.service,
    line.peer,
    line.direction === "out" ? "here" : "there",
    `${line.open}`,
    `${line.connections}`,
    ...bytesOf(line).map(bytesText),
    line.connectMs === undefined ? "-" : `${line.connectMs.p50}/${line.connectMs.p99} ms`,
    Object.entries(line.errors)
      .toSorted(([, a], [, b]) => b - a)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(", ") || "-",
  ]);
  return ["", ...table([...head, "CONNECT P50/P99", "FAILED"], rows)];
}

/** To the server, and to the client. */
function bytesOf({
  direction,
  bytesFromTunnel,
  bytesToTunnel,
}: TrafficLine): readonly [number, number] {
  return direction === "out" ? [bytesToTunnel, bytesFromTunnel] : [bytesFromTunnel, bytesToTunnel];
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

function bytesText(bytes: number): string {
  const power = bytes < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const figure = bytes / 1_000 ** power;
  return `${figure < 10 && power > 0 ? figure.toFixed(1) : figure.toFixed(0)} ${UNITS[power]}`;
}

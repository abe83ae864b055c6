import type { ClusterId } from "../../../api/cluster-id.ts";
import {
  type ProxyTraffic,
  type ServiceTraffic,
  type StreamDirection,
  TRAFFIC_LINES_MAX,
} from "../../../api/network/proxy-traffic.ts";
import type { ResetCode } from "../frame/frame-type.ts";
import { LatencySketch } from "./latency-sketch.ts";

export type Outcome = ResetCode | "done";

/** Counts of one service with one peer in one direction, since this proxy started. */
export interface TrafficEntry {
  readonly peer: ClusterId;
  readonly service: string;
  readonly direction: StreamDirection;
  open: number;
  connections: number;
  bytesFromTunnel: number;
  bytesToTunnel: number;
  readonly outcomes: Map<Outcome, number>;
  readonly connectMs: LatencySketch;
  /** Monotonic, ms. */
  lastUseMs: number;
}

/**
 * What has been carried, by service, peer and direction. A connection adds to numbers; nothing is looked up for each of its bytes.
 *
 * BOUNDED: by `maxEntries`, unless more are open at once; who was used longest ago makes room, and is in the sums no more.
 */
export class TrafficTable {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, TrafficEntry>();

  constructor(maxEntries = 4_096) {
    this.#maxEntries = maxEntries;
  }

  all(): Iterable<TrafficEntry> {
    return this.#entries.values();
  }

  entry(direction: StreamDirection, peer: ClusterId, service: string, nowMs: number): TrafficEntry {
    const key = `${direction} ${peer} ${service}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.lastUseMs = nowMs;
      return known;
    }
    if (this.#entries.size >= this.#maxEntries) this.#forgetOldest();
    const entry: TrafficEntry = {
      ...{ peer, service, direction, open: 0, connections: 0 },
      ...{ bytesFromTunnel: 0, bytesToTunnel: 0, lastUseMs: nowMs },
      outcomes: new Map(),
      connectMs: new LatencySketch(),
    };
    this.#entries.set(key, entry);
    return entry;
  }

  /** As a PathReport has it: sums of all, and a line for each of those that were used last. */
  summary(linesMax = TRAFFIC_LINES_MAX): ProxyTraffic {
    const lines = [...this.#entries.values()]
      .toSorted((a, b) => b.lastUseMs - a.lastUseMs)
      .map(lineOf);
    const sumOf = (what: keyof ProxyTraffic & keyof ServiceTraffic): number =>
      lines.reduce((sum, line) => sum + line[what], 0);
    return {
      open: sumOf("open"),
      connections: sumOf("connections"),
      failed: sumOf("failed"),
      bytesFromTunnel: sumOf("bytesFromTunnel"),
      bytesToTunnel: sumOf("bytesToTunnel"),
      services: lines.slice(0, linesMax),
      leftOut: Math.max(0, lines.length - linesMax),
    };
  }

  #forgetOldest(): void {
    let oldest: [string, TrafficEntry] | undefined;
    for (const each of this.#entries) {
      const isOlder = oldest === undefined || each[1].lastUseMs < oldest[1].lastUseMs;
      if (each[1].open === 0 && isOlder) oldest = each;
    }
    if (oldest !== undefined) this.#entries.delete(oldest[0]);
  }
}

function lineOf(entry: TrafficEntry): ServiceTraffic {
  const { peer, service, direction, open, connections } = entry;
  const { bytesFromTunnel, bytesToTunnel, outcomes, connectMs } = entry;
  const errors = [...outcomes].filter(([outcome]) => outcome !== "done");
  const p50 = connectMs.quantile(0.5);
  const p99 = connectMs.quantile(0.99);
  return {
    ...{ peer, service, direction, open, connections, bytesFromTunnel, bytesToTunnel },
    failed: errors.reduce((sum, [, count]) => sum + count, 0),
    errors: Object.fromEntries(errors),
    ...(p50 !== undefined && p99 !== undefined && { connectMs: { p50, p99 } }),
  };
}

import type { Counter, Gauge, Histogram, Meter } from "../../../runtime/metrics/meter.ts";
import type { Outcome, TrafficEntry } from "./traffic-table.ts";

const CONNECT_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

interface Told {
  fromTunnel: number;
  toTunnel: number;
  readonly outcomes: Map<Outcome, number>;
}

/** The traffic table as metrics: told what is new in an entry now and then, since a counter with labels costs more than a connection has. */
export class TrafficMeter {
  readonly #streams: Counter;
  readonly #bytes: Counter;
  readonly #open: Gauge;
  readonly #connect: Histogram;
  readonly #told = new WeakMap<TrafficEntry, Told>();

  constructor(meter: Meter) {
    const labels = ["peer", "service", "direction"];
    this.#streams = meter.counter({
      name: "isthmus_proxy_streams_total",
      help: "Connections through tunnels that have ended, by outcome: done, or why they were reset; up to the second before.",
      labels: [...labels, "outcome"],
    });
    this.#bytes = meter.counter({
      name: "isthmus_proxy_stream_bytes_total",
      help: "Bytes of connections, by where they came from: from-tunnel or to-tunnel; up to the second before.",
      labels: [...labels, "flow"],
    });
    this.#open = meter.gauge({
      name: "isthmus_proxy_open_streams_count",
      help: "Connections through tunnels that are open.",
      labels,
    });
    this.#connect = meter.histogram({
      name: "isthmus_proxy_connect_seconds",
      help: "Time until the other end of a connection was connected.",
      labels,
      buckets: CONNECT_SECONDS,
    });
  }

  connected({ peer, service, direction }: TrafficEntry, ms: number): void {
    this.#connect.observe(ms / 1000, { peer, service, direction });
  }

  /** What has changed since the last time. */
  tell(entry: TrafficEntry): void {
    const { peer, service, direction, bytesFromTunnel, bytesToTunnel, outcomes } = entry;
    const labels = { peer, service, direction };
    const told = this.#told.get(entry) ?? { fromTunnel: 0, toTunnel: 0, outcomes: new Map() };
    this.#told.set(entry, told);
    this.#open.set(entry.open, labels);
    this.#bytes.add(bytesFromTunnel - told.fromTunnel, { ...labels, flow: "from-tunnel" });
    this.#bytes.add(bytesToTunnel - told.toTunnel, { ...labels, flow: "to-tunnel" });
    told.fromTunnel = bytesFromTunnel;
    told.toTunnel = bytesToTunnel;
    for (const [outcome, count] of outcomes) {
      this.#streams.add(count - (told.outcomes.get(outcome) ?? 0), { ...labels, outcome });
      told.outcomes.set(outcome, count);
    }
  }
}

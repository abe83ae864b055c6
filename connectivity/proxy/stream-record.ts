import type { ClusterId } from "../../api/cluster-id.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { BridgeEnd, ByteCounts } from "./bridge/socket-bridge.ts";
import type { ServiceOpen } from "./frame/open-header.ts";
import { addressText } from "./ip-bytes.ts";

/** `out`: a local client, to a peer; `in`: a peer's client, to a local endpoint. */
export type StreamDirection = "in" | "out";

/** One connection, from the time when it was asked for. */
export interface StreamRecord {
  /** The other end is connected. */
  connected(): void;
  /** What it carries is counted while it does. */
  follow(counts: ByteCounts): void;
  /** Counts once. */
  end(end: BridgeEnd): void;
}

export interface StreamRecorderOptions {
  /** A line in the log for each connection. @default false */
  readonly logsConnections: boolean;
}

const CONNECT_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Bytes, streams, latency and errors per service and peer. BOUNDED: label values by what is exported and imported. */
export class StreamRecorder {
  readonly #logsConnections: boolean;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #meter: ReturnType<typeof metersOf>;
  /** Open streams by labels. */
  readonly #open = new Map<string, number>();
  /** Counts what has passed since the last time, of each open stream. BOUNDED: by the streams. */
  readonly #counting = new Set<() => void>();

  constructor(
    { logsConnections }: StreamRecorderOptions,
    deps: { readonly clock: Clock; readonly log: Logger; readonly meter: Meter },
  ) {
    this.#logsConnections = logsConnections;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#meter = metersOf(deps.meter);
  }

  /** Counts what open connections have carried: a long one must not show at its end only. */
  countBytes(): void {
    for (const count of this.#counting) count();
  }

  begin(direction: StreamDirection, peer: ClusterId, header: ServiceOpen): StreamRecord {
    const startMs = this.#clock.monotonicMs();
    let connectedMs: number | undefined;
    let isCounted = false;
    const service = `${header.namespace}/${header.name}`;
    // What is not exported is a name that a peer made up: it gets no series of its own.
    const labels = (isKnown: boolean): { peer: string; service: string; direction: string } => ({
      peer,
      service: isKnown ? service : "",
      direction,
    });
    const counted = { bytesIn: 0, bytesOut: 0 };
    const count = (now: ByteCounts, all: ReturnType<typeof labels>): void => {
      this.#meter.bytes.add(now.bytesIn - counted.bytesIn, { ...all, flow: "from-tunnel" });
      this.#meter.bytes.add(now.bytesOut - counted.bytesOut, { ...all, flow: "to-tunnel" });
      counted.bytesIn = now.bytesIn;
      counted.bytesOut = now.bytesOut;
    };
    let countNow: (() => void) | undefined;
    return {
      follow: (counts) => {
        if (isCounted) return;
        countNow = () => count(counts, labels(true));
        this.#counting.add(countNow);
      },
      connected: () => {
        connectedMs = this.#clock.monotonicMs() - startMs;
        this.#meter.connect.observe(connectedMs / 1000, labels(true));
        this.#count(labels(true), 1);
      },
      end: ({ code, bytesIn, bytesOut }) => {
        if (isCounted) return;
        isCounted = true;
        if (countNow !== undefined) this.#counting.delete(countNow);
        const isKnown = connectedMs !== undefined || direction === "out" || code !== "not-exported";
        const all = labels(isKnown);
        if (connectedMs !== undefined) this.#count(all, -1);
        this.#meter.streams.add(1, { ...all, outcome: code ?? "done" });
        count({ bytesIn, bytesOut }, all);
        if (!this.#logsConnections) return;
        const { port, protocol, client, clientNamespace } = header;
        const address = addressText(client.address);
        this.#log.info("connection", {
          ...labels(true),
          port,
          protocol,
          client: `${address} ${client.port}`,
          clientNamespace,
          connectMs: connectedMs,
          durationMs: this.#clock.monotonicMs() - startMs,
          outcome: code ?? "done",
          bytesFromTunnel: bytesIn,
          bytesToTunnel: bytesOut,
        });
      },
    };
  }

  #count(labels: { peer: string; service: string; direction: string }, by: number): void {
    const key = `${labels.peer} ${labels.service} ${labels.direction}`;
    const count = (this.#open.get(key) ?? 0) + by;
    if (count === 0) this.#open.delete(key);
    else this.#open.set(key, count);
    this.#meter.open.set(count, labels);
  }
}

function metersOf(meter: Meter) {
  const labels = ["peer", "service", "direction"];
  return {
    streams: meter.counter({
      name: "isthmus_proxy_streams_total",
      help: "Connections through tunnels that have ended, by outcome: done, or why they were reset.",
      labels: [...labels, "outcome"],
    }),
    bytes: meter.counter({
      name: "isthmus_proxy_stream_bytes_total",
      help: "Bytes of connections, by where they came from: from-tunnel or to-tunnel; of open ones up to the second before.",
      labels: [...labels, "flow"],
    }),
    open: meter.gauge({
      name: "isthmus_proxy_open_streams_count",
      help: "Connections through tunnels that are open.",
      labels,
    }),
    connect: meter.histogram({
      name: "isthmus_proxy_connect_seconds",
      help: "Time until the other end of a connection was connected.",
      labels,
      buckets: CONNECT_SECONDS,
    }),
  };
}

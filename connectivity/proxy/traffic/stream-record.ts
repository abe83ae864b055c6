import type { ClusterId } from "../../../api/cluster-id.ts";
import { addressText } from "../../../api/network/address-bytes.ts";
import type { ProxyTraffic, StreamDirection } from "../../../api/network/proxy-traffic.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { BridgeEnd, ByteCounts } from "../bridge/socket-bridge.ts";
import type { ResetCode } from "../frame/frame-type.ts";
import type { ServiceOpen } from "../frame/open-header.ts";
import { TrafficMeter } from "./traffic-meter.ts";
import { type Outcome, type TrafficEntry, TrafficTable } from "./traffic-table.ts";

export interface StreamRecorderOptions {
  /** A line in the log for each connection. @default false */
  readonly logsConnections: boolean;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Bytes, streams, latency and errors per service and peer. BOUNDED: by what is exported and imported. */
export class StreamRecorder {
  readonly #recordDeps: RecordDeps;
  readonly #table = new TrafficTable();
  readonly #meter: TrafficMeter;
  /** Connections that are open. BOUNDED: by the streams. */
  readonly #open = new Set<StreamRecord>();

  constructor({ logsConnections }: StreamRecorderOptions, { clock, log, meter }: Deps) {
    this.#meter = new TrafficMeter(meter);
    this.#recordDeps = {
      clock,
      table: this.#table,
      meter: this.#meter,
      open: this.#open,
      log: logsConnections ? log : undefined,
    };
  }

  begin(direction: StreamDirection, peer: ClusterId, header: ServiceOpen): StreamRecord {
    return new StreamRecord(direction, peer, header, this.#recordDeps);
  }

  /** Counts one that was refused before it began; it gets no line in the log, since a datagram may be one. */
  refused(direction: StreamDirection, peer: ClusterId, header: ServiceOpen, code: ResetCode): void {
    const nowMs = this.#recordDeps.clock.monotonicMs();
    countOutcome(this.#table.entry(direction, peer, serviceOf(header), nowMs), code);
  }

  /** Counts what open connections have carried, which must not show at their end only, and tells the meters all that is new. */
  count(): void {
    for (const record of this.#open) record.countBytes();
    for (const entry of this.#table.all()) this.#meter.tell(entry);
  }

  /** As of the last `count`. */
  summary(): ProxyTraffic {
    return this.#table.summary();
  }
}

interface RecordDeps {
  readonly clock: Clock;
  readonly table: TrafficTable;
  readonly meter: TrafficMeter;
  readonly open: Set<StreamRecord>;
  /** Undefined: a connection gets no line. */
  readonly log: Logger | undefined;
}

/** One connection, from the time when it was asked for. */
export class StreamRecord {
  readonly #direction: StreamDirection;
  readonly #peer: ClusterId;
  readonly #header: ServiceOpen;
  readonly #deps: RecordDeps;
  readonly #startMs: number;
  #connectMs: number | undefined;
  /** As soon as it is known that the service is one of ours. */
  #entry: TrafficEntry | undefined;
  #counts: ByteCounts | undefined;
  #countedIn = 0;
  #countedOut = 0;
  #isOver = false;

  constructor(direction: StreamDirection, peer: ClusterId, header: ServiceOpen, deps: RecordDeps) {
    this.#direction = direction;
    this.#peer = peer;
    this.#header = header;
    this.#deps = deps;
    this.#startMs = deps.clock.monotonicMs();
  }

  /** The other end is connected. */
  connected(): void {
    if (this.#isOver) return;
    const ms = this.#deps.clock.monotonicMs() - this.#startMs;
    this.#connectMs = ms;
    const entry = this.#entryOf(true);
    entry.open += 1;
    entry.connections += 1;
    entry.connectMs.observe(ms);
    this.#deps.meter.connected(entry, ms);
  }

  /** What it carries is counted while it does. */
  follow(counts: ByteCounts): void {
    if (this.#isOver) return;
    this.#counts = counts;
    this.#deps.open.add(this);
  }

  countBytes(): void {
    if (this.#counts !== undefined) this.#count(this.#counts, this.#entryOf(true));
  }

  /** Counts once. */
  end({ code, bytesIn, bytesOut }: BridgeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.open.delete(this);
    const wasConnected = this.#connectMs !== undefined;
    // What is not exported is a name that a peer made up: it gets no line of its own.
    const isKnown = wasConnected || this.#direction === "out" || code !== "not-exported";
    const entry = this.#entryOf(isKnown);
    if (wasConnected) entry.open -= 1;
    const outcome = code ?? "done";
    countOutcome(entry, outcome);
    this.#count({ bytesIn, bytesOut }, entry);
    this.#deps.log?.info("connection", {
      peer: this.#peer,
      service: serviceOf(this.#header),
      direction: this.#direction,
      port: this.#header.port,
      protocol: this.#header.protocol,
      client: `${addressText(this.#header.client.address)} ${this.#header.client.port}`,
      clientNamespace: this.#header.clientNamespace,
      connectMs: this.#connectMs,
      durationMs: this.#deps.clock.monotonicMs() - this.#startMs,
      outcome,
      bytesFromTunnel: bytesIn,
      bytesToTunnel: bytesOut,
    });
  }

  #count({ bytesIn, bytesOut }: ByteCounts, entry: TrafficEntry): void {
    entry.bytesFromTunnel += bytesIn - this.#countedIn;
    entry.bytesToTunnel += bytesOut - this.#countedOut;
    this.#countedIn = bytesIn;
    this.#countedOut = bytesOut;
  }

  #entryOf(isKnown: boolean): TrafficEntry {
    this.#entry ??= this.#deps.table.entry(
      this.#direction,
      this.#peer,
      isKnown ? serviceOf(this.#header) : "",
      this.#deps.clock.monotonicMs(),
    );
    return this.#entry;
  }
}

function countOutcome({ outcomes }: TrafficEntry, outcome: Outcome): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

function serviceOf({ namespace, name }: ServiceOpen): string {
  return `${namespace}/${name}`;
}

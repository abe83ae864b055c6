import type { Clock, Timer } from "../runtime/clock/clock.ts";
import type { Counter, Gauge, Histogram, Meter } from "../runtime/metrics/meter.ts";
import type { Transport } from "./answer/client.ts";
import type { ForwardLookup } from "./forward/caching-forwarder.ts";
import type { ForwardResult } from "./forward/forwarder.ts";
import type { DropReason } from "./transport/answer-packet.ts";
import { RCODE, TYPE } from "./wire/dns-numbers.ts";

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(TYPE).map(([name, value]): [number, string] => [value, name]),
);
const CODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RCODE).map(([name, value]): [number, string] => [value, name]),
);
/** By type: itself where it has a name, 0 for others. */
const KNOWN_TYPES = Uint8Array.from({ length: 256 }, (_, type) =>
  TYPE_NAMES.has(type) ? type : 0,
);
/** Eight bits of type, five of code, one of transport. */
const SLOTS = 1 << 14;
/** One query in so many is timed: reading the clock twice would cost as much as the answer. */
const TIMED_EVERY = 64;
const REPORT_MS = 1000;
const SECONDS_BUCKETS = [0.000_005, 0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01, 0.1];

const REBUILD_SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const FORWARD_SECONDS_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5];

const FORWARD_LOOKUPS: readonly ForwardLookup[] = ["hit", "stale", "failure", "miss"];

/** Counts on the hot path in plain numbers and hands them to the meter once a second. */
export class QueryStats {
  readonly #clock: Clock;
  readonly #queries: Counter;
  readonly #dropped: Counter;
  readonly #truncated: Counter;
  readonly #rateLimited: Counter;
  readonly #forwarded: Counter;
  readonly #forwardSeconds: Histogram;
  readonly #forwardLookups: Counter;
  readonly #forwardCacheEntries: Gauge;
  readonly #seconds: Histogram;
  readonly #rebuildSeconds: Histogram;
  readonly #zoneAge: Gauge;
  readonly #tcpConnections: Gauge;
  readonly #admitted: Gauge;
  readonly #services: Gauge;
  readonly #names: Gauge;
  /** Queries since the last report, by slot. */
  readonly #counts = new Uint32Array(SLOTS);
  readonly #lookups: Record<ForwardLookup, number> = { hit: 0, stale: 0, failure: 0, miss: 0 };
  #truncatedCount = 0;
  #changedAtMs: number | undefined;
  #sinceTimed = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, meter: Meter) {
    this.#clock = clock;
    this.#queries = meter.counter({
      name: "isthmus_dns_queries_total",
      help: "Queries answered, by type, response code and transport.",
      labels: ["type", "code", "transport"],
    });
    this.#dropped = meter.counter({
      name: "isthmus_dns_dropped_total",
      help: "Packets and connections without an answer, by reason.",
      labels: ["reason"],
    });
    this.#rateLimited = meter.counter({
      name: "isthmus_dns_rate_limited_total",
      help: "UDP responses above a client's limit, by what became of them: slip (a small one was sent), drop.",
      labels: ["action"],
    });
    this.#forwarded = meter.counter({
      name: "isthmus_dns_forwarded_total",
      help: "Queries about other zones sent to upstream resolvers, by how they ended: answered, no-answer, overload.",
      labels: ["result"],
    });
    this.#forwardSeconds = meter.histogram({
      name: "isthmus_dns_forward_seconds",
      help: "Time until an upstream resolver answered, or none did.",
      buckets: FORWARD_SECONDS_BUCKETS,
    });
    this.#forwardLookups = meter.counter({
      name: "isthmus_dns_forward_cache_lookups_total",
      help: "Queries about other zones, by what was known: hit, stale (an old answer while upstreams fail), failure, miss.",
      labels: ["result"],
    });
    this.#forwardCacheEntries = meter.gauge({
      name: "isthmus_dns_forward_cache_entries",
      help: "Answers of upstream resolvers that are kept.",
    });
    this.#truncated = meter.counter({
      name: "isthmus_dns_truncated_total",
      help: "Answers sent with the TC bit.",
    });
    this.#seconds = meter.histogram({
      name: "isthmus_dns_query_seconds",
      help: `Time from packet to response, of one query in ${TIMED_EVERY}.`,
      buckets: SECONDS_BUCKETS,
    });
    this.#rebuildSeconds = meter.histogram({
      name: "isthmus_dns_zone_rebuild_seconds",
      help: "Time from a change seen to the zone that has it.",
      buckets: REBUILD_SECONDS_BUCKETS,
    });
    this.#zoneAge = meter.gauge({
      name: "isthmus_dns_zone_age_seconds",
      help: "Time since the zone last changed; absent before the first zone.",
    });
    this.#tcpConnections = meter.gauge({
      name: "isthmus_dns_tcp_connections",
      help: "Open TCP connections of clients.",
    });
    this.#admitted = meter.gauge({
      name: "isthmus_dns_unknown_clients_admitted_ratio",
      help: "Part of the UDP queries of clients not known for a while that is let in: below 1 while there are more than can be answered.",
    });
    this.#admitted.set(1);
    this.#services = meter.gauge({
      name: "isthmus_dns_zone_services",
      help: "Services that have names in the zone.",
    });
    this.#names = meter.gauge({
      name: "isthmus_dns_zone_names",
      help: "Names of services in the zone, empty non-terminals included.",
    });
  }

  start(): void {
    this.#timer = this.#clock.setTimer(REPORT_MS, () => {
      this.#report();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#report();
  }

  readonly answered = (type: number, rcode: number, transport: Transport): void => {
    const slot = ((KNOWN_TYPES[type] ?? 0) << 6) | (rcode << 1) | (transport === "udp" ? 0 : 1);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  };

  readonly forwarded = (result: ForwardResult, tookMs: number): void => {
    this.#forwarded.add(1, { result });
    if (result !== "overload") this.#forwardSeconds.observe(tookMs / 1000);
  };

  rateLimited(verdict: "slip" | "drop"): void {
    this.#rateLimited.add(1, { action: verdict });
  }

  readonly tcpConnections = (open: number): void => this.#tcpConnections.set(open);

  readonly admitted = (part: number): void => this.#admitted.set(part);

  readonly dropped = (reason: DropReason): void => this.#dropped.add(1, { reason });

  truncated(): void {
    this.#truncatedCount++;
  }

  zoneChanged(
    zone: { readonly serviceCount: number; readonly nameCount: number },
    rebuildMs: number,
  ): void {
    this.#services.set(zone.serviceCount);
    this.#names.set(zone.nameCount);
    this.#rebuildSeconds.observe(rebuildMs / 1000);
    this.#changedAtMs = this.#clock.monotonicMs();
  }

  readonly forwardLookup = (result: ForwardLookup): void => {
    this.#lookups[result]++;
  };

  readonly forwardCacheSize = (entries: number): void => {
    this.#forwardCacheEntries.set(entries);
  };

  /** Now, for `stopTimer`, if this query is one of those that are timed. */
  startTimer(): number | undefined {
    this.#sinceTimed++;
    if (this.#sinceTimed < TIMED_EVERY) return undefined;
    this.#sinceTimed = 0;
    return this.#clock.monotonicMs();
  }

  stopTimer(startMs: number): void {
    this.#seconds.observe((this.#clock.monotonicMs() - startMs) / 1000);
  }

  #report(): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      const count = this.#counts[slot] ?? 0;
      if (count === 0) continue;
      this.#queries.add(count, {
        type: TYPE_NAMES.get(slot >> 6) ?? "other",
        code: CODE_NAMES.get((slot >> 1) & 0x1f) ?? "other",
        transport: (slot & 1) === 0 ? "udp" : "tcp",
      });
    }
    this.#counts.fill(0);
    if (this.#changedAtMs !== undefined) {
      this.#zoneAge.set((this.#clock.monotonicMs() - this.#changedAtMs) / 1000);
    }
    if (this.#truncatedCount > 0) this.#truncated.add(this.#truncatedCount);
    this.#truncatedCount = 0;
    for (const result of FORWARD_LOOKUPS) {
      if (this.#lookups[result] > 0) this.#forwardLookups.add(this.#lookups[result], { result });
      this.#lookups[result] = 0;
    }
  }
}

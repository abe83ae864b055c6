import { type RowKey, serviceOfRowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Histogram, Meter } from "../../runtime/metrics/meter.ts";

/** One part of a change's way, made by this member. */
export interface Hop {
  /** stored: a row of ours, until the broker has it for good. received: another's, until it is here. applied: from there until objects say it. */
  readonly hop: "stored" | "received" | "applied";
  /** Whose row, and which write of it. */
  readonly cluster: ClusterId;
  readonly sequence: number;
  readonly service: ServiceKey;
  /** Epoch milliseconds; those of `received` by the clock of whoever wrote it. */
  readonly startMs: number;
  readonly endMs: number;
}

/** One pass over a service. */
export interface Passing {
  /** What it is for, where hops are told: the annotation of what it writes (`ANNOTATION_TRACED_WRITE`). */
  readonly write?: string;
  /** To be told whether objects say now what had arrived. */
  readonly finish: (isApplied: boolean) => void;
}

const NOTHING_ARRIVED: Passing = { finish: () => undefined };

interface Arrived {
  readonly cluster: ClusterId;
  readonly sequence: number;
  readonly atMs: number;
}

interface Deps {
  readonly clock: Clock;
  readonly meter: Meter;
  /** Told of each hop. */
  readonly onHop?: ((hop: Hop) => void) | undefined;
}

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** What is older was not on its way all the time: it came with a first sync, or its clock is wrong. */
const OLDEST_MS = 60_000;
const ARRIVED_MAX = 10_000;

/**
 * How long changes take on their way, hop by hop. The stamp travels already: a write's sequence is the moment, epoch milliseconds, at which its
 * owner sent it (`own-rows.ts`), or the next number where two were sent in one. Between clusters it is as true as their clocks agree.
 */
export class Propagation {
  readonly #deps: Deps;
  readonly #seconds: Histogram;
  /** Oldest change of each service that is not applied yet. BOUNDED: by ARRIVED_MAX; more are not measured. */
  readonly #arrived = new Map<ServiceKey, Arrived>();

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#seconds = deps.meter.histogram({
      name: "isthmus_controllers_propagation_seconds",
      help: "Time since a change was sent by its cluster, by hop: stored (ours, at the broker), received (another's, here), applied (another's, in objects here). Between clusters as true as their clocks.",
      labels: ["hop"],
      buckets: BUCKETS,
    });
  }

  /** A write of ours is durable at the broker. */
  stored(cluster: ClusterId, key: RowKey, sequence: number): void {
    const endMs = this.#deps.clock.nowMs();
    const service = serviceOfRowKey(key);
    this.#note({ hop: "stored", cluster, sequence, service, startMs: sequence, endMs }, endMs);
  }

  /** A write of another cluster is here. */
  received(cluster: ClusterId, key: RowKey, sequence: number): void {
    const atMs = this.#deps.clock.nowMs();
    const service = serviceOfRowKey(key);
    const hop: Hop = {
      hop: "received",
      cluster,
      sequence,
      service,
      startMs: sequence,
      endMs: atMs,
    };
    if (!this.#note(hop, atMs)) return;
    this.#keep(service, { cluster, sequence, atMs });
  }

  /** A pass over a service begins, with all that has arrived. */
  begin(service: ServiceKey): Passing {
    const arrived = this.#arrived.get(service);
    if (arrived === undefined) return NOTHING_ARRIVED;
    this.#arrived.delete(service);
    const { cluster, sequence, atMs } = arrived;
    return {
      ...(this.#deps.onHop === undefined ? {} : { write: `${cluster}/${sequence}` }),
      finish: (isApplied) => {
        if (!isApplied) {
          this.#keep(service, arrived);
          return;
        }
        const endMs = this.#deps.clock.nowMs();
        this.#note({ hop: "applied", cluster, sequence, service, startMs: atMs, endMs }, endMs);
      },
    };
  }

  #keep(service: ServiceKey, arrived: Arrived): void {
    const held = this.#arrived.get(service);
    if (held !== undefined && held.sequence <= arrived.sequence) return;
    if (held === undefined && this.#arrived.size >= ARRIVED_MAX) return;
    this.#arrived.set(service, arrived);
  }

  /** @returns false: it is too old to say how long changes take. */
  #note(hop: Hop, nowMs: number): boolean {
    const ageMs = Math.max(0, nowMs - hop.sequence);
    if (ageMs > OLDEST_MS) return false;
    this.#seconds.observe(ageMs / 1_000, { hop: hop.hop });
    this.#deps.onHop?.(hop);
    return true;
  }
}

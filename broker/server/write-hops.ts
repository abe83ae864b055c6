import { NETWORK_ROW_KEY, type RowKey, serviceOfRowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { TableView } from "../core/broker-table.ts";
import type { StoreRecord } from "../core/store-record.ts";

/** One part of a write's way that this broker has a hand in. */
export interface BrokerHop {
  /** kept: from its arrival until the store has it. sent: from then until every stream here has been handed it. */
  readonly hop: "kept" | "sent";
  /** Whose row, and which write of it. */
  readonly cluster: ClusterId;
  readonly sequence: number;
  readonly service: ServiceKey;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  /** `sent`: streams that were told that there is something. */
  readonly streams?: number;
}

/** What is older was not on its way all the time: it came with a first sync. */
const OLDEST_MS = 60_000;
/** Of one change of one owner; more are a sync, of which nobody wants to see each row. */
const WRITES_MAX = 64;

interface Deps {
  readonly clock: Clock;
  readonly table: TableView;
  readonly onHop: (hop: BrokerHop) => void;
}

/** Tells of writes on their way through this broker. Only where somebody listens: there is none otherwise. */
export class WriteHops {
  readonly #deps: Deps;
  /** Up to which write of each owner it was told. BOUNDED: by the members. */
  readonly #toldUpTo = new Map<ClusterId, number>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  nowMs(): number {
    return this.#deps.clock.nowMs();
  }

  /** The store has these, which arrived at that moment. */
  kept(records: readonly StoreRecord[], startMs: number): void {
    const endMs = this.nowMs();
    for (const record of records.slice(0, WRITES_MAX)) {
      if (record.kind !== "row" && record.kind !== "delete") continue;
      if (record.key === NETWORK_ROW_KEY) continue;
      const { cluster, sequence, key } = record;
      this.#tell({ hop: "kept", cluster, sequence, service: serviceOfRowKey(key), startMs, endMs });
    }
  }

  /** Streams have been handed what is new of these owners, since that moment. */
  sent(clusters: Iterable<ClusterId>, startMs: number, streams: number): void {
    const endMs = this.nowMs();
    for (const cluster of clusters) {
      const owner = this.#deps.table.owner(cluster);
      if (owner === undefined) continue;
      const since = this.#toldUpTo.get(cluster) ?? owner.sequence - 1;
      this.#toldUpTo.set(cluster, owner.sequence);
      for (const key of owner.keysSince(since).slice(-WRITES_MAX)) {
        const sequence = sequenceOf(owner, key);
        if (sequence === undefined || key === NETWORK_ROW_KEY) continue;
        const service = serviceOfRowKey(key);
        this.#tell({ hop: "sent", cluster, sequence, service, startMs, endMs, streams });
      }
    }
  }

  forget(cluster: ClusterId): void {
    this.#toldUpTo.delete(cluster);
  }

  /** A sequence is the moment at which its owner sent the write. */
  #tell(hop: BrokerHop): void {
    if (hop.endMs - hop.sequence <= OLDEST_MS) this.#deps.onHop(hop);
  }
}

type Owner = NonNullable<ReturnType<TableView["owner"]>>;

function sequenceOf(owner: Owner, key: RowKey): number | undefined {
  return owner.row(key)?.sequence ?? owner.tombstone(key);
}

import { err, ok, type Result } from "../../../api/result.ts";
import { BrokerTable } from "../../core/broker-table.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import type { StoreError, StoreHealth } from "../store.ts";
import { TableStore } from "../table-store.ts";

/**
 * Durable as long as its table lives: for tests and the simulation, where `reopen` is a restart and
 * a new store with another epoch is a lost one.
 */
export class MemoryStore extends TableStore {
  readonly epoch: string;
  #isClosed = false;

  constructor(epoch: string, table: BrokerTable = new BrokerTable()) {
    super(table);
    this.epoch = epoch;
  }

  /** The same contents in a store that is open. */
  reopen(): MemoryStore {
    const table = new BrokerTable();
    for (const record of this.snapshot()) table.apply(record);
    return new MemoryStore(this.epoch, table);
  }

  async append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>> {
    if (this.#isClosed) {
      return err({ kind: "store-closed", text: "cannot append: store must be open: it is closed" });
    }
    // Never within the caller's turn: as with a disk, the caller goes on before the table changes.
    await Promise.resolve();
    this.applyDurable(records);
    return ok(undefined);
  }

  health(): StoreHealth {
    return this.#isClosed ? { kind: "failed", reason: "store is closed" } : { kind: "ok" };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

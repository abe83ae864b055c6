import { err, ok, type Result } from "../../../api/result.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import type { StoreError, StoreHealth } from "../store.ts";
import { TableStore } from "../table-store.ts";

/**
 * Durable as long as the object lives: for tests and the simulation, where handing it to the next broker
 * is a restart and a new one with another epoch is a lost store.
 */
export class MemoryStore extends TableStore {
  readonly epoch: string;
  #isClosed = false;

  constructor(epoch: string) {
    super();
    this.epoch = epoch;
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

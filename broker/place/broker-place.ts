import type { Result } from "../../api/result.ts";
import type { TableView } from "../core/broker-table.ts";
import type { SharedRecords } from "../shared/shared-records.ts";
import type { Store } from "../store/store.ts";

/** Where a broker keeps all it must not lose: rows and members, and what identity keeps. */
export interface BrokerPlace {
  /** For people. */
  readonly name: string;
  /** The authority, tokens and their claims. */
  readonly records: SharedRecords;
  /** For a broker that begins to run; the signal gives up waiting. Error: the place cannot be used, or by others only. */
  openStore(signal: AbortSignal): Promise<Result<Store, string>>;
  /** Rows and members as they are, read beside running brokers: nothing is changed or held. */
  peekTable(): Promise<Result<TableView, string>>;
  /** After the store, if one was opened. */
  close(): Promise<void>;
}

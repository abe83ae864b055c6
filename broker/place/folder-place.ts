import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { TableView } from "../core/broker-table.ts";
import { storePath } from "../data-dir.ts";
import { FolderRecords } from "../shared/folder-records.ts";
import { openBrokerStore } from "../store/departures/open-broker-store.ts";
import { peekTable } from "../store/file/peek-table.ts";
import { openSystemFolder } from "../store/file/store-folder.ts";
import type { Store } from "../store/store.ts";
import type { BrokerPlace } from "./broker-place.ts";

/** A data directory: for one broker, which holds its lock while it runs. */
export class FolderPlace implements BrokerPlace {
  readonly name: string;
  readonly records: FolderRecords;
  readonly #dataDir: string;
  readonly #deps: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly meter: Meter;
  };

  constructor(
    dataDir: string,
    deps: {
      readonly clock: Clock;
      readonly random: Random;
      readonly log: Logger;
      readonly meter: Meter;
    },
  ) {
    this.name = dataDir;
    this.records = new FolderRecords(dataDir);
    this.#dataDir = dataDir;
    this.#deps = deps;
  }

  async openStore(): Promise<Result<Store, string>> {
    const opened = await openBrokerStore({ dataDir: this.#dataDir }, this.#deps);
    return opened.ok ? opened : err(opened.error.text);
  }

  async peekTable(): Promise<Result<TableView, string>> {
    try {
      const table = await peekTable(await openSystemFolder(storePath(this.#dataDir)));
      return table.ok ? ok(table.value) : table;
    } catch (error) {
      return err(`cannot read ${this.#dataDir}: ${error instanceof Error ? error.message : "?"}`);
    }
  }

  async close(): Promise<void> {
    // Files are closed with the store.
  }
}

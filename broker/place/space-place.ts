import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import { BrokerTable, type TableView } from "../core/broker-table.ts";
import { SpaceRecords } from "../shared/space-records.ts";
import { agreeAboutDepartures } from "../store/departures/departures.ts";
import { RecordedDepartures } from "../store/departures/recorded-departures.ts";
import { ItemNames, META_NAME } from "../store/replicated/item-names.ts";
import { openReplicatedStore } from "../store/replicated/open-replicated-store.ts";
import { SpaceFold } from "../store/replicated/space-fold.ts";
import { parseMeta } from "../store/replicated/store-meta.ts";
import type { Space } from "../store/space/space.ts";
import type { Store } from "../store/store.ts";
import type { BrokerPlace } from "./broker-place.ts";

export interface SpacePlaceOptions {
  /** For people. */
  readonly name: string;
  /** What people call this replica. */
  readonly replica?: string;
}

export interface SpacePlaceDeps {
  /** A connection of its own to rows and members. */
  readonly openRows: () => Space;
  /** What identity keeps: closed with the place. */
  readonly records: Space;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Spaces of an engine that any number of brokers share. */
export class SpacePlace implements BrokerPlace {
  readonly name: string;
  readonly records: SpaceRecords;
  readonly #options: SpacePlaceOptions;
  readonly #deps: SpacePlaceDeps;

  constructor(options: SpacePlaceOptions, deps: SpacePlaceDeps) {
    this.name = options.name;
    this.records = new SpaceRecords(deps.records);
    this.#options = options;
    this.#deps = deps;
  }

  async openStore(signal: AbortSignal): Promise<Result<Store, string>> {
    const { replica } = this.#options;
    const departures = new RecordedDepartures(this.records);
    const options = replica === undefined ? {} : { replica };
    const deps = { ...this.#deps, space: this.#deps.openRows(), departures };
    const opened = await openReplicatedStore(options, deps, signal);
    if (!opened.ok) return err(opened.error.text);
    const agreed = await agreeAboutDepartures(opened.value, departures);
    if (agreed.ok) return opened;
    await opened.value.close();
    return err(agreed.error.text);
  }

  async peekTable(): Promise<Result<TableView, string>> {
    const rows = this.#deps.openRows();
    try {
      const items = await rows.list("");
      if (!items.ok) return err(`cannot read ${this.name}: ${items.error.text}`);
      const meta = items.value.find(({ name }) => name === META_NAME);
      const table = new BrokerTable();
      if (meta === undefined) return ok(table);
      const parsed = parseMeta(meta.data);
      if (!parsed.ok) return parsed;
      const { epoch } = parsed.value;
      const { problem, records } = new SpaceFold(epoch, new ItemNames(epoch)).snapshot(items.value);
      if (problem !== undefined) return err(`cannot read ${this.name}: ${problem.text}`);
      for (const record of records) table.apply(record);
      return ok(table);
    } finally {
      await rows.close();
    }
  }

  async close(): Promise<void> {
    await this.#deps.records.close();
  }
}

import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { SharedRecords } from "../../shared/shared-records.ts";
import type { Departures } from "./departures.ts";

const GROUP = "departed";

/** Departures as records that all replicas share, beside the authority whose certificates they void. */
export class RecordedDepartures implements Departures {
  readonly #records: SharedRecords;
  /** BOUNDED: by the clusters an admin ever removed. */
  readonly #departed = new Map<ClusterId, number>();

  constructor(records: SharedRecords) {
    this.#records = records;
  }

  get departed(): ReadonlyMap<ClusterId, number> {
    return this.#departed;
  }

  async load(): Promise<Result<void, string>> {
    const listed = await this.#records.list(GROUP);
    if (!listed.ok) return err(`cannot read departures: ${listed.error}`);
    for (const { key, text } of listed.value) {
      const cluster = parseClusterId(key.slice(GROUP.length + 1));
      const incarnation = parseIncarnation(text);
      if (!cluster.ok || incarnation === undefined) {
        return err(`cannot read departures: ${key} must hold an incarnation: it does not`);
      }
      this.#departed.set(cluster.value, incarnation);
    }
    return ok(undefined);
  }

  async record(cluster: ClusterId, incarnation: number): Promise<Result<void, string>> {
    if ((this.#departed.get(cluster) ?? -1) >= incarnation) return ok(undefined);
    const key = `${GROUP}/${cluster}`;
    for (;;) {
      const present = await this.#records.read(key);
      if (!present.ok) return err(`cannot write departures: ${present.error}`);
      const known = present.value && parseIncarnation(present.value.text);
      if (known !== undefined && known >= incarnation) break;
      const text = String(incarnation);
      const written =
        present.value === undefined
          ? await this.#records.create(key, text)
          : await this.#records.replace(key, text, present.value.revision);
      if (!written.ok) return err(`cannot write departures: ${written.error}`);
      // False: another replica was first with another departure: read again.
      if (written.value) break;
    }
    this.#departed.set(cluster, Math.max(incarnation, this.#departed.get(cluster) ?? -1));
    return ok(undefined);
  }
}

function parseIncarnation(text: string): number | undefined {
  const incarnation = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(incarnation) ? incarnation : undefined;
}

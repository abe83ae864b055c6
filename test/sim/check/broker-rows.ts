import type { ClusterId } from "../../../api/cluster-id.ts";
import type { TableView } from "../../../broker/core/broker-table.ts";
import { decodeRowBytes } from "../../../broker/wire/decode-row.ts";
import type { Offers } from "./offers.ts";
import type { Report } from "./violation.ts";

/** I2 at the broker: each row that it stores was offered by its owner, in that cluster. */
export class BrokerRows {
  readonly #offers: Offers;
  readonly #report: Report;
  /** Highest sequence seen of `owner incarnation`. BOUNDED: by the lives of a script's members. */
  readonly #seen = new Map<string, number>();

  constructor(offers: Offers, report: Report) {
    this.#offers = offers;
    this.#report = report;
  }

  stored(table: TableView, owners: ReadonlySet<ClusterId>): void {
    for (const cluster of owners) {
      const owner = table.owner(cluster);
      if (owner === undefined) continue;
      const life = `${cluster} ${owner.incarnation}`;
      const seen = this.#seen.get(life) ?? 0;
      this.#seen.set(life, owner.sequence);
      for (const [key, row] of owner.rows()) {
        if (row.sequence > seen) this.#check(cluster, key, row.bytes);
      }
    }
  }

  #check(cluster: ClusterId, key: string, bytes: Uint8Array): void {
    const decoded = decodeRowBytes(cluster, bytes);
    if (!decoded.ok) {
      this.#report("I12", `the broker holds what it would refuse: ${decoded.error}`);
      return;
    }
    const row = decoded.value;
    // About no service.
    if (row.kind === "network") return;
    const service = `${row.namespace}/${row.name}`;
    if (!this.#offers.isExported(cluster, service)) {
      this.#report("I2", `row ${key} of ${cluster}: ${service} was never exported there`);
    }
    if (row.kind === "export") return;
    for (const address of row.endpoints.flatMap(({ addresses }) => addresses)) {
      if (this.#offers.hasEndpoint(cluster, service, address)) continue;
      this.#report("I2", `row ${key} of ${cluster}: ${address} was never an endpoint there`);
    }
  }
}

import {
  NETWORK_ROW_KEY,
  type NetworkRow,
  type RowKey,
  type ServiceRow,
  serviceOfRowKey,
} from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { SavedRow as Held } from "./saved/saved-state.ts";

/** The rows that are shown, found by what controllers ask for: a service, or networks. Whose they are is the mirror's. */
export class HeldRows {
  /** BOUNDED: by the rows held. */
  readonly #services = new Map<ServiceKey, Map<string, ServiceRow>>();
  /** BOUNDED: by the clusterset's members. */
  readonly #networks = new Map<ClusterId, NetworkRow>();

  /** The network row of each cluster that has one. */
  networks(): ReadonlyMap<ClusterId, NetworkRow> {
    return this.#networks;
  }

  rows(service: ServiceKey): readonly ServiceRow[] {
    return [...(this.#services.get(service)?.values() ?? [])];
  }

  services(): Iterable<ServiceKey> {
    return this.#services.keys();
  }

  set(cluster: ClusterId, key: RowKey, { row }: Held): void {
    if (row.kind === "network") {
      this.#networks.set(cluster, row);
      return;
    }
    const service = serviceOfRowKey(key);
    let rows = this.#services.get(service);
    if (rows === undefined) {
      rows = new Map();
      this.#services.set(service, rows);
    }
    rows.set(`${cluster} ${key}`, row);
  }

  remove(cluster: ClusterId, key: RowKey): void {
    if (key === NETWORK_ROW_KEY) {
      this.#networks.delete(cluster);
      return;
    }
    const service = serviceOfRowKey(key);
    const rows = this.#services.get(service);
    rows?.delete(`${cluster} ${key}`);
    if (rows?.size === 0) this.#services.delete(service);
  }
}

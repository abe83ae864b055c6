import { type Row, rowKey } from "../../../api/broker/row.ts";
import type { ServiceKey } from "../../../api/service-key.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { Peer } from "../../../broker/client/peer-table.ts";
import { overrideBrokerLink } from "../world/override-broker-link.ts";

export function changeOwnRows(link: BrokerLink, change: (row: Row) => Row): BrokerLink {
  return overrideBrokerLink(link, {
    setOwnRows: (service, rows) => link.setOwnRows(service, rows.map(change)),
  });
}

export function withoutAge(row: Row): Row {
  return row.kind === "export" ? { ...row, createdAtMs: 0 } : row;
}

export function everythingReady(row: Row): Row {
  if (row.kind === "export") return row;
  return { ...row, endpoints: row.endpoints.map((endpoint) => ({ ...endpoint, ready: true })) };
}

/** Rows that were seen once stay, unless the owner sends them anew. */
export function keepOldRows(link: BrokerLink): BrokerLink {
  const seen = new Map<ServiceKey, Map<string, Row>>();
  return overrideBrokerLink(link, {
    foreignRows: (service) => {
      const rows = seen.get(service) ?? new Map<string, Row>();
      for (const row of link.foreignRows(service)) rows.set(`${row.cluster} ${rowKey(row)}`, row);
      seen.set(service, rows);
      return [...rows.values()];
    },
  });
}

export function askOnce(link: BrokerLink): BrokerLink {
  let hasAsked = false;
  return overrideBrokerLink(link, {
    setNamespaces: (namespaces) => {
      if (!hasAsked) link.setNamespaces(namespaces);
      hasAsked = true;
    },
  });
}

/** While the broker cannot be heard everybody but us counts as not connected, and that as what the broker says. */
export function blameOthers(link: BrokerLink): BrokerLink {
  const isHeard = (): boolean => link.status().kind === "connected";
  return overrideBrokerLink(link, {
    status: () => (isHeard() ? link.status() : { kind: "connected", synced: true, members: [] }),
    peers: () => {
      if (isHeard()) return link.peers();
      const silent: Peer = { kind: "disconnected", sinceMs: 0 };
      return new Map([...link.peers().keys()].map((cluster) => [cluster, silent]));
    },
  });
}

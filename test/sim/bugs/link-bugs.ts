import { rowKey, type ServiceRow } from "../../../api/broker/row.ts";
import type { ServiceKey } from "../../../api/service-key.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { Peer } from "../../../broker/client/peer-table.ts";
import { overrideBrokerLink } from "../world/override-broker-link.ts";

export function changeOwnRows(
  link: BrokerLink,
  change: (row: ServiceRow) => ServiceRow,
): BrokerLink {
  return overrideBrokerLink(link, {
    setOwnRows: (service, rows) => link.setOwnRows(service, rows.map(change)),
  });
}

export function withoutAge(row: ServiceRow): ServiceRow {
  return row.kind === "export" ? { ...row, createdAtMs: 0 } : row;
}

export function everythingReady(row: ServiceRow): ServiceRow {
  if (row.kind === "export") return row;
  return { ...row, endpoints: row.endpoints.map((endpoint) => ({ ...endpoint, ready: true })) };
}

/** Rows that were seen once stay, unless the owner sends them anew. */
export function keepOldRows(link: BrokerLink): BrokerLink {
  const seen = new Map<ServiceKey, Map<string, ServiceRow>>();
  return overrideBrokerLink(link, {
    foreignRows: (service) => {
      const rows = seen.get(service) ?? new Map<string, ServiceRow>();
      for (const row of link.foreignRows(service)) rows.set(`${row.cluster} ${rowKey(row)}`, row);
      seen.set(service, rows);
      return [...rows.values()];
    },
  });
}

/** Slices are told apart by the names of their hosts: the second family's is taken for the first's. */
export function onlyOneFamily(link: BrokerLink): BrokerLink {
  return overrideBrokerLink(link, {
    setOwnRows: (service, rows) => {
      const hasIpv6 = rows.some((row) => row.kind === "endpoints" && row.addressType === "IPv6");
      const isKept = (row: ServiceRow): boolean =>
        row.kind === "export" || !hasIpv6 || row.addressType === "IPv6";
      link.setOwnRows(service, rows.filter(isKept));
    },
  });
}

/** Rows are compared by their keys: what changes in place is not sent. */
export function sendNewKeysOnly(link: BrokerLink): BrokerLink {
  const sent = new Map<ServiceKey, string>();
  return overrideBrokerLink(link, {
    setOwnRows: (service, rows) => {
      const keys = rows.map(rowKey).join();
      if (sent.get(service) !== keys) link.setOwnRows(service, rows);
      sent.set(service, keys);
    },
  });
}

/** Endpoints travel with the address of the node beside their own. */
export function withNodeAddress(row: ServiceRow): ServiceRow {
  if (row.kind === "export" || row.addressType === "IPv6") return row;
  const endpoints = row.endpoints.map((endpoint) => ({
    ...endpoint,
    addresses: [...endpoint.addresses, "10.9.9.9"],
  }));
  return { ...row, endpoints };
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

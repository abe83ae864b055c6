import { type ServiceKey, splitServiceKey } from "../../api/service-key.ts";
import { NameTable } from "./name-table.ts";
import type { ServiceRecords } from "./service-records.ts";

/**
 * One state of the whole zone. Never changed after it was made: a change makes a new snapshot that shares all untouched
 * parts, so that an answer always reflects one state that existed (I10).
 */
export interface ZoneSnapshot {
  readonly serial: number;
  /** Namespaces of this cluster; names under others do not exist (DNS-31). */
  readonly namespaces: NameTable<NamespaceRecords>;
  /** Services that resolve. */
  readonly serviceCount: number;
  readonly nameCount: number;
}

export interface NamespaceRecords {
  /** False while services are known of a namespace that is not: they stay hidden. */
  readonly exists: boolean;
  readonly services: NameTable<ServiceRecords>;
}

export interface ZoneChange {
  readonly serial: number;
  /** New records per service; undefined when it has none any more. */
  readonly services: ReadonlyMap<ServiceKey, ServiceRecords | undefined>;
  /** Whether the namespace exists now. */
  readonly namespaces: ReadonlyMap<string, boolean>;
}

export const EMPTY_ZONE: ZoneSnapshot = {
  serial: 0,
  namespaces: NameTable.EMPTY,
  serviceCount: 0,
  nameCount: 0,
};

/** Costs what is changed, and one pointer for every few services of the namespaces that it touches. */
export function changeZone(zone: ZoneSnapshot, change: ZoneChange): ZoneSnapshot {
  /** BOUNDED: by the change, as what is in it. */
  const drafts = new Map<string, Map<string, ServiceRecords | undefined>>();
  const draft = (name: string): Map<string, ServiceRecords | undefined> => {
    const known = drafts.get(name);
    if (known !== undefined) return known;
    const made = new Map<string, ServiceRecords | undefined>();
    drafts.set(name, made);
    return made;
  };
  let { serviceCount, nameCount } = zone;
  for (const [key, records] of change.services) {
    const { namespace, name } = splitServiceKey(key);
    const before = zone.namespaces.get(namespace)?.services.get(name);
    draft(namespace).set(name, records);
    serviceCount += (hasNames(records) ? 1 : 0) - (hasNames(before) ? 1 : 0);
    nameCount += (records?.names.size ?? 0) - (before?.names.size ?? 0);
  }
  for (const name of change.namespaces.keys()) draft(name);
  const namespaces = new Map<string, NamespaceRecords | undefined>();
  for (const [name, changes] of drafts) {
    const before = zone.namespaces.get(name) ?? NO_NAMESPACE;
    const exists = change.namespaces.get(name) ?? before.exists;
    const services = changes.size === 0 ? before.services : before.services.with(changes);
    namespaces.set(name, exists || services.size > 0 ? { exists, services } : undefined);
  }
  return {
    serial: change.serial,
    namespaces: zone.namespaces.with(namespaces),
    serviceCount,
    nameCount,
  };
}

const NO_NAMESPACE: NamespaceRecords = { exists: false, services: NameTable.EMPTY };

function hasNames(records: ServiceRecords | undefined): boolean {
  return records !== undefined && records.names.size > 0;
}

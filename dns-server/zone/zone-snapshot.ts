import { type ServiceKey, splitServiceKey } from "../../api/service-key.ts";
import type { ServiceRecords } from "./service-records.ts";

/**
 * One state of the whole zone. Never changed after it was made: a change makes a new snapshot that shares all untouched
 * parts, so that an answer always reflects one state that existed (I10).
 */
export interface ZoneSnapshot {
  readonly serial: number;
  /** Namespaces of this cluster; names under others do not exist (DNS-31). */
  readonly namespaces: ReadonlyMap<string, NamespaceRecords>;
  /** Services that resolve. */
  readonly serviceCount: number;
  readonly nameCount: number;
}

export interface NamespaceRecords {
  /** False while services are known of a namespace that is not: they stay hidden. */
  readonly exists: boolean;
  readonly services: ReadonlyMap<string, ServiceRecords>;
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
  namespaces: new Map(),
  serviceCount: 0,
  nameCount: 0,
};

/** Costs what the touched namespaces hold, not what the zone holds. */
export function changeZone(zone: ZoneSnapshot, change: ZoneChange): ZoneSnapshot {
  const namespaces = new Map(zone.namespaces);
  const drafts = new Map<string, { exists: boolean; services: Map<string, ServiceRecords> }>();
  const draft = (name: string): { exists: boolean; services: Map<string, ServiceRecords> } => {
    const known = drafts.get(name);
    if (known !== undefined) return known;
    const before = namespaces.get(name);
    const made = { exists: before?.exists ?? false, services: new Map(before?.services) };
    drafts.set(name, made);
    return made;
  };
  let { serviceCount, nameCount } = zone;
  for (const [key, records] of change.services) {
    const { namespace, name } = splitServiceKey(key);
    const { services } = draft(namespace);
    const before = services.get(name);
    if (records === undefined) services.delete(name);
    else services.set(name, records);
    serviceCount += (hasNames(records) ? 1 : 0) - (hasNames(before) ? 1 : 0);
    nameCount += (records?.names.size ?? 0) - (before?.names.size ?? 0);
  }
  for (const [name, exists] of change.namespaces) draft(name).exists = exists;
  for (const [name, made] of drafts) {
    if (made.exists || made.services.size > 0) namespaces.set(name, made);
    else namespaces.delete(name);
  }
  return { serial: change.serial, namespaces, serviceCount, nameCount };
}

function hasNames(records: ServiceRecords | undefined): boolean {
  return records !== undefined && records.names.size > 0;
}

import { serviceKey } from "../../api/service-key.ts";
import { type AheadOfZone, NOTHING_AHEAD } from "./ahead-of-zone.ts";
import type { NameNode, ServiceRecords } from "./service-records.ts";
import type { NamespaceRecords, ZoneSnapshot } from "./zone-snapshot.ts";

/** What the zone has at a name. */
export type NameLookup =
  | { readonly kind: "static"; readonly node: NameNode }
  | { readonly kind: "service"; readonly node: NameNode; readonly service: ServiceRecords }
  | { readonly kind: "nxdomain"; readonly reason: AbsenceReason };

/** Why a name does not exist, for people who look for the mistake. */
export type AbsenceReason =
  | "unknown-name"
  | "unknown-namespace"
  | "unknown-service"
  /** A headless service all of whose endpoints are away (DNS-22). */
  | "no-ready-endpoint"
  | "unknown-part";

/** One value per reason: most questions of a flood end here. */
const absent = (reason: AbsenceReason): NameLookup => ({ kind: "nxdomain", reason });
const UNKNOWN_NAME = absent("unknown-name");
const UNKNOWN_NAMESPACE = absent("unknown-namespace");
const UNKNOWN_SERVICE = absent("unknown-service");
const NO_READY_ENDPOINT = absent("no-ready-endpoint");
const UNKNOWN_PART = absent("unknown-part");
const NAMESPACE: NameLookup = { kind: "static", node: {} };

/**
 * Finds a name given as its lower-case labels left of the zone. Labels hold no dots.
 * `[..., service, namespace, "svc"]`; what is left of the service is a name of ServiceRecords.
 */
export function findName(
  zone: ZoneSnapshot,
  statics: ReadonlyMap<string, NameNode>,
  labels: readonly string[],
  ahead: AheadOfZone = NOTHING_AHEAD,
): NameLookup {
  const depth = labels.length;
  if (depth < 2 || labels[depth - 1] !== "svc") {
    const node = statics.get(labels.join("."));
    return node === undefined ? UNKNOWN_NAME : { kind: "static", node };
  }
  const namespace = zone.namespaces.get(labels[depth - 2] ?? "");
  // "Nor for a namespace that does not exist in this importer" (DNS-31).
  if (namespace === undefined || !namespace.exists) return UNKNOWN_NAMESPACE;
  if (depth === 2) return NAMESPACE;
  const service = serviceAt(namespace, labels[depth - 2] ?? "", labels[depth - 3] ?? "", ahead);
  if (service === undefined) return UNKNOWN_SERVICE;
  if (service.names.size === 0) return NO_READY_ENDPOINT;
  const node = service.names.get(labels.slice(0, depth - 3).join("."));
  if (node === undefined) return UNKNOWN_PART;
  return { kind: "service", node, service };
}

function serviceAt(
  records: NamespaceRecords,
  namespace: string,
  name: string,
  ahead: AheadOfZone,
): ServiceRecords | undefined {
  if (ahead.size > 0) {
    const key = serviceKey(namespace, name);
    if (ahead.has(key)) return ahead.records(key);
  }
  return records.services.get(name);
}

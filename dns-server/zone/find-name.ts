import type { NameNode, ServiceRecords } from "./service-records.ts";
import type { ZoneSnapshot } from "./zone-snapshot.ts";

/** What the zone has at a name. */
export type NameLookup =
  | { readonly kind: "static"; readonly node: NameNode }
  | { readonly kind: "service"; readonly node: NameNode; readonly service: ServiceRecords }
  | { readonly kind: "nxdomain" };

const NXDOMAIN: NameLookup = { kind: "nxdomain" };
const NAMESPACE: NameLookup = { kind: "static", node: {} };

/**
 * Finds a name given as its lower-case labels left of the zone. Labels hold no dots.
 * `[..., service, namespace, "svc"]`; what is left of the service is a name of ServiceRecords.
 */
export function findName(
  zone: ZoneSnapshot,
  statics: ReadonlyMap<string, NameNode>,
  labels: readonly string[],
): NameLookup {
  const depth = labels.length;
  if (depth < 2 || labels[depth - 1] !== "svc") {
    const node = statics.get(labels.join("."));
    return node === undefined ? NXDOMAIN : { kind: "static", node };
  }
  const namespace = zone.namespaces.get(labels[depth - 2] ?? "");
  // "Nor for a namespace that does not exist in this importer" (DNS-31).
  if (namespace === undefined || !namespace.exists) return NXDOMAIN;
  if (depth === 2) return NAMESPACE;
  const service = namespace.services.get(labels[depth - 3] ?? "");
  const node = service?.names.get(labels.slice(0, depth - 3).join("."));
  if (service === undefined || node === undefined) return NXDOMAIN;
  return { kind: "service", node, service };
}

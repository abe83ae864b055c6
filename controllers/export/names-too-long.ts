import type { LocalEndpointsRow } from "./derive-endpoints-rows.ts";
import type { OwnExport } from "./derive-own-rows.ts";

/** RFC 1035 section 2.3.4, as text without the root's dot. */
const NAME_BYTES_MAX = 253;
const ZONE = "svc.clusterset.local";

/**
 * Says which endpoints of a headless export cannot have a name of their own, because it would be longer than DNS
 * allows (DNS-45); undefined when all can.
 */
export function namesTooLong(own: OwnExport): string | undefined {
  if (own.kind !== "exported" || own.row.type !== "Headless") return undefined;
  const { name, namespace, cluster } = own.row;
  const longest = hostnames(own.endpoints).toSorted((a, b) => b.length - a.length)[0] ?? "";
  const full = `${longest}.${cluster}.${name}.${namespace}.${ZONE}`;
  if (longest === "" || full.length <= NAME_BYTES_MAX) return undefined;
  return `the DNS name of endpoint ${longest} must be at most ${NAME_BYTES_MAX} bytes: ${full} has ${full.length}; it resolves only by the service's name`;
}

function hostnames(rows: readonly LocalEndpointsRow[]): readonly string[] {
  return rows.flatMap((row) => row.endpoints.flatMap(({ hostname }) => hostname ?? []));
}

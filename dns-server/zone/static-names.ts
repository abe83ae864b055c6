import { parseIpAddress } from "./ip-address.ts";
import type { NameNode } from "./service-records.ts";
import type { ZoneConfig } from "./zone-config.ts";

/** Version of the multicluster DNS specification that the zone follows (DNS-03). */
const SCHEMA_VERSION = "1.0.0";

/** Names that exist whatever is imported, relative to the zone: the apex is "". */
export function staticNames(config: ZoneConfig): ReadonlyMap<string, NameNode> {
  const nsName = config.nsName.slice(0, -config.zone.length - 1);
  const names = new Map<string, NameNode>();
  for (let rest = nsName; rest.includes("."); ) {
    rest = rest.slice(rest.indexOf(".") + 1);
    names.set(rest, {});
  }
  names.set("", { isApex: true });
  names.set("svc", {});
  names.set("dns-version", { txt: SCHEMA_VERSION });
  names.set(nsName, addressNode(config.nsAddresses));
  return names;
}

function addressNode(addresses: readonly string[]): NameNode {
  const parsed = addresses.map(parseIpAddress).filter((address) => address !== undefined);
  const a = parsed.filter(({ family }) => family === "IPv4").map(({ text }) => text);
  const aaaa = parsed.filter(({ family }) => family === "IPv6").map(({ text }) => text);
  return {
    ...(a.length > 0 ? { a: [...new Set(a)] } : {}),
    ...(aaaa.length > 0 ? { aaaa: [...new Set(aaaa)] } : {}),
  };
}

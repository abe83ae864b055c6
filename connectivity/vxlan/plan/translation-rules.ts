import { formatCidr } from "../../../api/network/cidr.ts";
import { addressBits, formatIpAddress } from "../../../api/network/ip-address.ts";
import type { PrefixMap } from "../../network/map-prefix.ts";

/**
 * One-to-one translation of prefixes without any state (as RFC 6296 does it for IPv6): the address's own
 * bits stay, so every machine that carries a flow translates alike. The kernel mends the checksums of IP, TCP, UDP and
 * ICMPv6 with it. Before conntrack on the way in and after routing on the way out, so that conntrack and the machine see the
 * pods' own addresses on the pods' side.
 */
export function rewriteRule(field: "saddr" | "daddr", { from, to }: PrefixMap): string {
  const protocol = from.family === "IPv6" ? "ip6" : "ip";
  const address = `${protocol} ${field}`;
  const hostBits = (1n << BigInt(addressBits(from.family) - from.prefix)) - 1n;
  const host = formatIpAddress({ family: from.family, value: hostBits });
  const first = formatIpAddress({ family: to.family, value: to.first });
  return `${address} ${formatCidr(from)} ${address} set ${address} & ${host} | ${first}`;
}

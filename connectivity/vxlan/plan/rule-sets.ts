import {
  type Cidr,
  cidrAround,
  containsCidr,
  formatCidr,
  parseCidr,
} from "../../../api/network/cidr.ts";
import { addressBits, formatIpAddress, parseIpAddress } from "../../../api/network/ip-address.ts";

/**
 * A set of addresses and networks of one family for a rule; undefined for none, which nft has no word for. A network that
 * lies in another one of the set is left out: nft refuses sets that overlap.
 */
export function anonymousSet(texts: readonly string[], family: "ip" | "ip6"): string | undefined {
  const cidrs = texts
    .map(asNetwork)
    .filter((cidr) => cidr !== undefined)
    .filter((cidr) => (cidr.family === "IPv6") === (family === "ip6"))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : a.prefix - b.prefix));
  const disjoint: Cidr[] = [];
  for (const cidr of cidrs) {
    const last = disjoint.at(-1);
    if (last === undefined || !containsCidr(last, cidr)) disjoint.push(cidr);
  }
  if (disjoint.length === 0) return undefined;
  // Addresses alone are a hash table, which costs less to look into than a set that may hold networks.
  const isHosts = disjoint.every(({ family: of, prefix }) => prefix === addressBits(of));
  return `{ ${disjoint.map((cidr) => (isHosts ? hostText(cidr) : formatCidr(cidr))).join(", ")} }`;
}

function hostText({ family, first }: Cidr): string {
  return formatIpAddress({ family, value: first });
}

/** Device names for a rule; one alone is compared with, which costs less. */
export function deviceSet(devices: readonly string[]): string {
  const [only, ...more] = devices;
  if (only !== undefined && more.length === 0) return `"${only}"`;
  return `{ ${devices.map((device) => `"${device}"`).join(", ")} }`;
}

function asNetwork(text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  if (cidr.ok) return cidr.value;
  const address = parseIpAddress(text);
  return address.ok ? cidrAround(address.value, addressBits(address.value.family)) : undefined;
}

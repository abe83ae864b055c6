import { type Cidr, containsAddress, parseCidr } from "../../api/network/cidr.ts";
import { formatIpAddress, type IpAddress, parseIpAddress } from "../../api/network/ip-address.ts";
import { err, ok, type Result } from "../../api/result.ts";

/** A one-to-one translation between two networks of one family and one prefix length: only the prefix changes. */
export interface PrefixMap {
  readonly from: Cidr;
  readonly to: Cidr;
}

/** Out of two texts, as `globalPrefixes` of a network row has them. */
export function parsePrefixMap(from: string, to: string): Result<PrefixMap, string> {
  const parsedFrom = parseCidr(from);
  if (!parsedFrom.ok) return parsedFrom;
  const parsedTo = parseCidr(to);
  if (!parsedTo.ok) return parsedTo;
  const isOneToOne =
    parsedFrom.value.family === parsedTo.value.family &&
    parsedFrom.value.prefix === parsedTo.value.prefix;
  return isOneToOne
    ? ok({ from: parsedFrom.value, to: parsedTo.value })
    : err(`cannot map prefixes: must be of one family and length: got ${from} and ${to}`);
}

/** The same translation the other way. */
export function invertPrefixMap({ from, to }: PrefixMap): PrefixMap {
  return { from: to, to: from };
}

/** The address under its other prefix; undefined when it does not lie in `from`. */
export function mapPrefix(address: IpAddress, { from, to }: PrefixMap): IpAddress | undefined {
  if (!containsAddress(from, address)) return undefined;
  return { family: to.family, value: to.first | (address.value ^ from.first) };
}

/** As mapPrefix over several maps, text to text: the first map that holds the address; undefined when none does. */
export function mapAddressText(text: string, maps: readonly PrefixMap[]): string | undefined {
  const address = parseIpAddress(text);
  if (!address.ok) return undefined;
  for (const map of maps) {
    const mapped = mapPrefix(address.value, map);
    if (mapped !== undefined) return formatIpAddress(mapped);
  }
  return undefined;
}

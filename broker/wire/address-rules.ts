import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { EndpointsRow } from "../../api/broker/row.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { quote } from "./kube-syntax.ts";
import { LIMITS } from "./limits.ts";

/** RFC 6052 section 2.1: a NAT64 gateway turns what follows this prefix into an IPv4 address. */
const NAT64 = "64:ff9b::";

/** Networks no endpoint can be in: traffic sent there would reach the importer itself or nobody (EPS-11, SEC-06). */
const FORBIDDEN_IPV4 = [
  { name: "unspecified", address: "0.0.0.0", prefix: 8 },
  { name: "loopback", address: "127.0.0.0", prefix: 8 },
  { name: "link-local", address: "169.254.0.0", prefix: 16 },
  { name: "multicast", address: "224.0.0.0", prefix: 4 },
  { name: "reserved", address: "240.0.0.0", prefix: 4 },
] as const;

const FORBIDDEN: Readonly<Record<IpFamily, readonly Network[]>> = {
  IPv4: FORBIDDEN_IPV4.map(({ name, address, prefix }) => network(name, address, prefix)),
  IPv6: [
    network("unspecified", "::", 128),
    network("loopback", "::1", 128),
    // Would be an IPv4 address under another name, past the rules above.
    network("IPv4-mapped", "::ffff:0:0", 96),
    network("IPv4-compatible", "::", 96),
    ...translated(),
    network("link-local", "fe80::", 10),
    network("multicast", "ff00::", 8),
  ],
};

interface Network {
  readonly name: string;
  readonly list: BlockList;
}

/** Forbidden IPv4 networks as a NAT64 gateway would reach them. */
function translated(): readonly Network[] {
  return FORBIDDEN_IPV4.map(({ name, address, prefix }) =>
    network(`${name} (translated)`, `${NAT64}${address}`, 96 + prefix),
  );
}

function network(name: string, address: string, prefix: number): Network {
  const list = new BlockList();
  list.addSubnet(address, prefix, isIPv4(address) ? "ipv4" : "ipv6");
  return { name, list };
}

/** An address of the family that a peer may be told to dial. */
export function parseEndpointAddress(family: IpFamily, text: string): Result<string, string> {
  const isOfFamily = family === "IPv4" ? isIPv4(text) : isIPv6(text) && !text.includes("%");
  if (!isOfFamily) return err(`address must be an ${family} address: got ${quote(text)}`);
  const kind = family === "IPv4" ? "ipv4" : "ipv6";
  const forbidden = FORBIDDEN[family].find(({ list }) => list.check(text, kind));
  return forbidden === undefined
    ? ok(text)
    : err(`address must not be ${forbidden.name}: got ${quote(text)}`);
}

/** `address:port` or `[address]:port` that a peer may be told to send to. */
export function parseSocketAddress(what: string, text: string): Result<string, string> {
  const found = /^(?:\[(?<v6>[^[\]]+)\]|(?<v4>[^:[\]]+)):(?<port>[1-9]\d{0,4})$/.exec(text)?.groups;
  const port = Number(found?.["port"]);
  if (found === undefined || port > 65_535) {
    return err(`${what} must be address:port, IPv6 in brackets: got ${quote(text)}`);
  }
  const { v4, v6 } = found;
  const address =
    v6 === undefined ? parseEndpointAddress("IPv4", v4 ?? "") : parseEndpointAddress("IPv6", v6);
  return address.ok ? ok(text) : err(`${what}: ${address.error}`);
}

/** Announced networks of a member; `contains` is always true when none was announced. */
export interface AnnouncedCidrs {
  contains(family: IpFamily, address: string): boolean;
}

export const ANY_ADDRESS: AnnouncedCidrs = { contains: () => true };

/** Parses the CIDRs of a Hello (SEC-06). */
export function parseCidrs(texts: readonly string[]): Result<AnnouncedCidrs, string> {
  if (texts.length === 0) return ok(ANY_ADDRESS);
  if (texts.length > LIMITS.cidrsPerMember) {
    return err(`cidrs must be at most ${LIMITS.cidrsPerMember}: got ${texts.length}`);
  }
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", prefixText = "", ...rest] = text.split("/");
    const isV4 = isIPv4(address);
    const isV6 = !isV4 && isIPv6(address) && !address.includes("%");
    const prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
    const isValid = rest.length === 0 && (isV4 ? prefix <= 32 : isV6 && prefix <= 128);
    if (!isValid) return err(`cidr must be address/prefix length: got ${quote(text)}`);
    list.addSubnet(address, prefix, isV4 ? "ipv4" : "ipv6");
  }
  return ok({
    contains: (family, address) => list.check(address, family === "IPv4" ? "ipv4" : "ipv6"),
  });
}

/** Every address lies in what its owner announced. */
export function checkAnnounced(row: EndpointsRow, cidrs: AnnouncedCidrs): Result<void, string> {
  for (const endpoint of row.endpoints) {
    for (const address of endpoint.addresses) {
      if (!cidrs.contains(row.addressType, address)) {
        return err(`address must lie in the announced cidrs: got ${quote(address)}`);
      }
    }
  }
  return ok(undefined);
}

import type { ClientAddress } from "../frame/open-header.ts";

/** Signature and version of the PROXY protocol, version 2, section 2.2; command PROXY. */
const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10);
const VERSION_AND_COMMAND = 0x21;
const STREAM = 0x01;
const DATAGRAM = 0x02;
const INET = 0x10;
const INET6 = 0x20;

/** Types that section 2.2.8 leaves to applications: cluster id and namespace of the client. */
const TLV_CLUSTER = 0xe0;
const TLV_NAMESPACE = 0xe1;

export interface ProxyHeaderFacts {
  readonly protocol: "tcp" | "udp";
  readonly client: ClientAddress;
  /** Where it is sent: an endpoint. */
  readonly endpoint: ClientAddress;
  readonly cluster: string;
  /** Empty: not known. */
  readonly namespace: string;
}

/**
 * What goes in front of a connection's bytes, or of each datagram, so that the server learns who the client is. Of datagrams the
 * specification says (section 2.2) no more than how the family is told; servers (unbound, Knot DNS, PowerDNS, BIND) expect it in each.
 */
export function encodeProxyHeader(facts: ProxyHeaderFacts): Uint8Array {
  const { client, endpoint, cluster, namespace } = facts;
  const isFour = client.address.length === 4 && endpoint.address.length === 4;
  const [from, to] = [client, endpoint].map(({ address }) =>
    isFour ? address : toSixteen(address),
  );
  const ports = [client.port, endpoint.port].flatMap((port) => [port >>> 8, port & 0xff]);
  const addresses = Buffer.concat([
    from ?? client.address,
    to ?? client.address,
    Uint8Array.from(ports),
  ]);
  const tlvs = Buffer.concat([
    tlv(TLV_CLUSTER, cluster),
    ...(namespace === "" ? [] : [tlv(TLV_NAMESPACE, namespace)]),
  ]);
  const length = addresses.length + tlvs.length;
  const family = (isFour ? INET : INET6) | (facts.protocol === "tcp" ? STREAM : DATAGRAM);
  const head = Uint8Array.of(VERSION_AND_COMMAND, family, length >>> 8, length & 0xff);
  return Buffer.concat([SIGNATURE, head, addresses, tlvs]);
}

function tlv(type: number, text: string): Uint8Array {
  const value = Buffer.from(text, "utf8");
  return Buffer.concat([Uint8Array.of(type, value.length >>> 8, value.length & 0xff), value]);
}

/** IPv4 inside IPv6 (RFC 4291 section 2.5.5.2) where the two ends are of different families. */
function toSixteen(address: Uint8Array): Uint8Array {
  if (address.length === 16) return address;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address);
}

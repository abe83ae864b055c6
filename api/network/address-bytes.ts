import { isIPv4, isIPv6 } from "node:net";
import { formatIpAddress } from "./ip-address.ts";

/** Prefix of IPv4 addresses as a socket of both families shows them. */
const MAPPED = "::ffff:";

const NONE = new Uint8Array(4);

/** Bytes of an address as sockets write it, in network order, without its zone; four zeros for what is none. */
export function addressBytes(text: string): Uint8Array {
  if (!isIPv4(text) && !isIPv6(text)) return NONE;
  const bytes = Buffer.alloc(16);
  return bytes.subarray(0, writeAddress(text, bytes, 0));
}

/** The inverse: 4 bytes are IPv4, anything else is read as IPv6; in the one text of the address. */
export function addressText(bytes: Uint8Array): string {
  const family = bytes.length === 4 ? "IPv4" : "IPv6";
  return formatIpAddress({ family, value: BigInt(`0x${Buffer.from(bytes).toString("hex")}`) });
}

/**
 * As `addressBytes`, without a copy: writes into a buffer and returns how many bytes, 4 or 16. A client counts as the same whether
 * it comes through a socket of IPv4 or of both families. The address must be one.
 */
export function writeAddress(text: string, into: Buffer, at: number): number {
  const plain = unmapped(text);
  if (isIPv4(plain)) {
    writeIpv4(plain, into, at);
    return 4;
  }
  const zoneIndex = plain.indexOf("%");
  writeIpv6(zoneIndex === -1 ? plain : plain.slice(0, zoneIndex), into, at);
  return 16;
}

/** `::ffff:192.0.2.1` is 192.0.2.1 (RFC 4291 section 2.5.5.2); other addresses stay as they are. */
export function unmapped(address: string): string {
  if (!address.startsWith(MAPPED)) return address;
  const rest = address.slice(MAPPED.length);
  return isIPv4(rest) ? rest : address;
}

function writeIpv4(text: string, into: Buffer, at: number): void {
  let offset = at;
  for (const part of text.split(".")) into[offset++] = Number(part);
}

/** Of a valid address, as sockets give them. */
function writeIpv6(text: string, into: Buffer, at: number): void {
  const [head = "", tail] = text.split("::");
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: zeros }, () => 0), ...right];
  groups.forEach((group, index) => into.writeUInt16BE(group, at + index * 2));
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

import { isIPv4, isIPv6 } from "node:net";
import { formatIpAddress, parseIpAddress } from "../../api/network/ip-address.ts";

const NONE = new Uint8Array(4);

/** Bytes of an address as sockets write it; four zeros for what is none. IPv4 inside IPv6 is told as IPv4. */
export function addressBytes(text: string): Uint8Array {
  const plain = text.startsWith("::ffff:") && isIPv4(text.slice(7)) ? text.slice(7) : text;
  if (isIPv4(plain)) {
    const [a, b, c, d] = plain.split(".");
    return Uint8Array.of(Number(a), Number(b), Number(c), Number(d));
  }
  const parsed = parseIpAddress(plain.split("%")[0] ?? "");
  if (!parsed.ok || !isIPv6(plain)) return NONE;
  const hex = parsed.value.value.toString(16).padStart(32, "0");
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** The inverse. */
export function addressText(bytes: Uint8Array): string {
  const family = bytes.length === 4 ? "IPv4" : "IPv6";
  return formatIpAddress({ family, value: BigInt(`0x${Buffer.from(bytes).toString("hex")}`) });
}

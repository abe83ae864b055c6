import type { IpAddress } from "../../../api/network/ip-address.ts";

/** Network order bytes, 4 or 16. */
export function ipToBytes(ip: IpAddress): Uint8Array {
  const length = ip.family === "IPv4" ? 4 : 16;
  return Uint8Array.from({ length }, (_, i) =>
    Number((ip.value >> BigInt(8 * (length - 1 - i))) & 255n),
  );
}

/** From network order bytes: 4 for IPv4, anything else is read as IPv6. */
export function ipFromBytes(bytes: Uint8Array): IpAddress {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? "IPv4" : "IPv6", value };
}

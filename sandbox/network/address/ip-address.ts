import { isIPv4, isIPv6 } from "node:net";
import type { IpFamily } from "../../../api/kube/service.ts";
import { err, ok, type Result } from "../../../api/result.ts";

/** An IP address as a number, so that ranges are arithmetic. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

export function parseIp(text: string): Result<IpAddress, string> {
  if (isIPv4(text)) return ok({ family: "IPv4", value: fromGroups(text.split("."), 10, 8n) });
  // A zone index ("%eth0") means nothing inside the member's network.
  if (isIPv6(text) && !text.includes("%")) return ok({ family: "IPv6", value: parseV6(text) });
  return err(`cannot parse IP address: must be IPv4 or IPv6: got ${JSON.stringify(text)}`);
}

/** Canonical text: dotted quad, or RFC 5952. */
export function formatIp(ip: IpAddress): string {
  const groups = toGroups(ip);
  return ip.family === "IPv4" ? groups.join(".") : formatV6(groups);
}

/** The same address always gets the same text, so that it can be a map key; undefined when it is no IP address. */
export function canonicalIp(text: string): string | undefined {
  const parsed = parseIp(text);
  return parsed.ok ? formatIp(parsed.value) : undefined;
}

/** Network order bytes, 4 or 16. */
export function ipToBytes(ip: IpAddress): Uint8Array {
  const length = ip.family === "IPv4" ? 4 : 16;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++)
    bytes[i] = Number((ip.value >> BigInt(8 * (length - 1 - i))) & 255n);
  return bytes;
}

/** From network order bytes: 4 for IPv4, anything else is read as IPv6. */
export function ipFromBytes(bytes: Uint8Array): IpAddress {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? "IPv4" : "IPv6", value };
}

function parseV6(text: string): bigint {
  const [head = "", tail] = withoutDottedTail(text).split("::", 2);
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return fromGroups([...left, ...zeros, ...right], 16, 16n);
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. */
function withoutDottedTail(text: string): string {
  const colon = text.lastIndexOf(":");
  const tail = text.slice(colon + 1);
  if (!isIPv4(tail)) return text;
  const value = fromGroups(tail.split("."), 10, 8n);
  return `${text.slice(0, colon + 1)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

function fromGroups(groups: readonly string[], radix: number, bits: bigint): bigint {
  return groups.reduce(
    (value, group) => (value << bits) | BigInt(Number.parseInt(group, radix)),
    0n,
  );
}

function toGroups(ip: IpAddress): readonly number[] {
  const [count, bits] = ip.family === "IPv4" ? [4, 8] : [8, 16];
  const mask = (1n << BigInt(bits)) - 1n;
  return Array.from({ length: count }, (_, i) =>
    Number((ip.value >> BigInt(bits * (count - 1 - i))) & mask),
  );
}

/** RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals, becomes "::". */
function formatV6(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}

import { isIPv4, isIPv6 } from "node:net";
import type { IpFamily } from "../../../../api/kube/service.ts";
import { err, ok, type Result } from "../../../../api/result.ts";

export interface Ip {
  readonly family: IpFamily;
  readonly value: bigint;
}

export interface IpRange {
  readonly family: IpFamily;
  readonly cidr: string;
  readonly base: bigint;
  readonly size: bigint;
}

/** An address without a zone; an IPv4-mapped IPv6 address counts as IPv6. `undefined` for anything else. */
export function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return { family: "IPv4", value: fromParts(text.split(".").map(Number), 8n) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return { family: "IPv6", value: fromParts(ipv6Groups(text), 16n) };
}

/** The one text form of an address (RFC 5952). */
export function formatIp(value: bigint, family: IpFamily): string {
  if (family === "IPv4") return toParts(value, 4, 8n).join(".");
  const host = toParts(value, 8, 16n)
    .map((group) => group.toString(16))
    .join(":");
  return new URL(`http://[${host}]/`).hostname.slice(1, -1);
}

export function parseIpRange(cidr: string): Result<IpRange, string> {
  const [address = "", bitsText = "", ...more] = cidr.split("/");
  const ip = parseIp(address);
  const bits = Number(bitsText);
  const width = ip?.family === "IPv4" ? 32 : 128;
  if (ip === undefined || more.length > 0 || !/^[0-9]{1,3}$/.test(bitsText) || bits > width) {
    return err(`cannot parse service range: must be a CIDR such as 10.96.0.0/16: got ${cidr}`);
  }
  const size = 1n << BigInt(width - bits);
  return ok({ family: ip.family, cidr, base: ip.value - (ip.value % size), size });
}

function ipv6Groups(text: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain = dotted === null ? text : hexTail(dotted);
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

function hexTail([, prefix = "", ...bytes]: readonly string[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
  return `${prefix}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function fromParts(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n);
}

function toParts(value: bigint, count: number, bits: bigint): readonly bigint[] {
  const mask = (1n << bits) - 1n;
  return Array.from({ length: count }, (_, i) => (value >> (bits * BigInt(count - 1 - i))) & mask);
}

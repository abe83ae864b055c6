import { isIPv4, isIPv6 } from "node:net";
import type { IpFamily } from "../kube/service.ts";
import { err, ok, type Result } from "../result.ts";

/** An address as a number, so that networks are arithmetic: 32 bits of IPv4 or 128 of IPv6. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** Bits of an address of the family. */
export function addressBits(family: IpFamily): number {
  return family === "IPv4" ? 32 : 128;
}

/** Dotted decimal, or any form of RFC 4291 section 2.2 without a zone. */
export function parseIpAddress(text: string): Result<IpAddress, string> {
  if (isIPv4(text)) return ok({ family: "IPv4", value: ipv4Value(text) });
  if (isIPv6(text) && !text.includes("%")) return ok({ family: "IPv6", value: ipv6Value(text) });
  return err(
    `cannot parse address: must be an IPv4 or IPv6 address: got ${JSON.stringify(text.slice(0, 80))}`,
  );
}

/** The one text of an address: dotted decimal, or RFC 5952 section 4 (no dotted part). */
export function formatIpAddress({ family, value }: IpAddress): string {
  return family === "IPv4" ? formatIpv4(value) : formatIpv6(value);
}

function ipv4Value(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function ipv6Value(text: string): bigint {
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array<bigint>(8 - before.length - after.length).fill(0n);
  return [...before, ...zeros, ...after].reduce((sum, group) => (sum << 16n) | group, 0n);
}

function groupsOf(text: string): readonly bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = ipv4Value(group);
    return [value >> 16n, value & 0xffffn];
  });
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn);
  const { start, length } = longestZeros(groups);
  const text = (part: readonly bigint[]) => part.map((group) => group.toString(16)).join(":");
  // Section 4.2.2: a single group of zeros is written out.
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** Section 4.2.3: the longest run of zeros, the first of equals. */
function longestZeros(groups: readonly bigint[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0n ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}

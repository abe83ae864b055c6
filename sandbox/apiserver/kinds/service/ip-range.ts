import { cidrAround, cidrSize } from "../../../../api/network/cidr.ts";
import { addressBits, type IpAddress, parseIpAddress } from "../../../../api/network/ip-address.ts";
import { err, ok, type Result } from "../../../../api/result.ts";

/** A range that Services draw their addresses from. */
export interface IpRange {
  readonly family: IpAddress["family"];
  /** As it was given. */
  readonly cidr: string;
  readonly base: bigint;
  readonly size: bigint;
}

/** An address without a zone; an IPv4-mapped IPv6 address counts as IPv6. `undefined` for anything else. */
export function parseIp(text: string): IpAddress | undefined {
  const parsed = parseIpAddress(text);
  return parsed.ok ? parsed.value : undefined;
}

/** Bits beyond the prefix do not matter. */
export function parseIpRange(cidr: string): Result<IpRange, string> {
  const [address = "", bitsText = "", ...more] = cidr.split("/");
  const ip = parseIp(address);
  const bits = /^[0-9]{1,3}$/.test(bitsText) ? Number(bitsText) : Number.NaN;
  if (ip === undefined || more.length > 0 || !(bits <= addressBits(ip.family))) {
    return err(`cannot parse service range: must be a CIDR such as 10.96.0.0/16: got ${cidr}`);
  }
  const around = cidrAround(ip, bits);
  return ok({ family: ip.family, cidr, base: around.first, size: cidrSize(around) });
}

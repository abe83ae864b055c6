import type { IpFamily } from "../../../api/kube/service.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { formatIp, type IpAddress, parseIp } from "./ip-address.ts";

/** A range of addresses; `first` has all host bits clear. */
export interface Cidr {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly prefixLength: number;
  /** Number of addresses. */
  readonly size: bigint;
}

export function parseCidr(text: string): Result<Cidr, string> {
  const fail = (seen: string): Result<Cidr, string> =>
    err(`cannot parse CIDR: must be <address>/<prefix length> with host bits zero: got ${seen}`);
  const [address = "", prefix = "", ...rest] = text.split("/");
  const ip = parseIp(address);
  if (!ip.ok || !/^\d{1,3}$/.test(prefix) || rest.length > 0) return fail(JSON.stringify(text));
  const bits = ip.value.family === "IPv4" ? 32 : 128;
  const prefixLength = Number(prefix);
  if (prefixLength > bits) return fail(JSON.stringify(text));
  const size = 1n << BigInt(bits - prefixLength);
  if (ip.value.value % size !== 0n) return fail(JSON.stringify(text));
  return ok({ family: ip.value.family, first: ip.value.value, prefixLength, size });
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp({ family: cidr.family, value: cidr.first })}/${cidr.prefixLength}`;
}

export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  return cidr.family === ip.family && ip.value >= cidr.first && ip.value < cidr.first + cidr.size;
}

import type { IpFamily } from "../kube/service.ts";
import { err, ok, type Result } from "../result.ts";
import { addressBits, formatIpAddress, type IpAddress, parseIpAddress } from "./ip-address.ts";

/** A network: the addresses of a family that share their first `prefix` bits. Bits of `first` beyond them are zero. */
export interface Cidr {
  readonly family: IpFamily;
  /** Lowest address. */
  readonly first: bigint;
  readonly prefix: number;
}

/** `address/prefix length` (RFC 4632 section 3.1, RFC 4291 section 2.3) without bits beyond the prefix. */
export function parseCidr(text: string): Result<Cidr, string> {
  const [addressText = "", prefixText = "", ...rest] = text.split("/");
  const address = parseIpAddress(addressText);
  const prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (!address.ok || rest.length > 0 || !(prefix <= addressBits(address.value.family))) {
    return err(
      `cannot parse network: must be address/prefix length: got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const cidr = cidrAround(address.value, prefix);
  return cidr.first === address.value.value
    ? ok(cidr)
    : err(
        `cannot parse network: must have no bits beyond its prefix, as ${formatCidr(cidr)}: got ${JSON.stringify(text)}`,
      );
}

/** The network of this prefix length that the address lies in. */
export function cidrAround({ family, value }: IpAddress, prefix: number): Cidr {
  const host = BigInt(addressBits(family) - prefix);
  return { family, first: (value >> host) << host, prefix };
}

/** The one text of a network. */
export function formatCidr({ family, first, prefix }: Cidr): string {
  return `${formatIpAddress({ family, value: first })}/${prefix}`;
}

/** How many addresses it has. */
export function cidrSize({ family, prefix }: Cidr): bigint {
  return 1n << BigInt(addressBits(family) - prefix);
}

export function containsAddress(cidr: Cidr, address: IpAddress): boolean {
  return cidr.family === address.family && cidrAround(address, cidr.prefix).first === cidr.first;
}

/** Whether every address of `inner` lies in `outer`. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return (
    inner.prefix >= outer.prefix &&
    containsAddress(outer, { family: inner.family, value: inner.first })
  );
}

/** Whether some address lies in both: of two networks that share one, one holds the other. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return containsCidr(a, b) || containsCidr(b, a);
}

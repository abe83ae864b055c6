import { BlockList } from "node:net";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Cidr,
  cidrAround,
  cidrSize,
  cidrsOverlap,
  containsAddress,
  containsCidr,
  formatCidr,
  parseCidr,
} from "./cidr.ts";
import { addressBits, formatIpAddress, type IpAddress } from "./ip-address.ts";

/** Few distinct values, so that networks often meet. */
const anyAddress: fc.Arbitrary<IpAddress> = fc.oneof(
  fc.tuple(fc.constantFrom(10n, 172n), fc.nat(3), fc.nat(3), fc.nat(255)).map(([a, b, c, d]) => ({
    family: "IPv4" as const,
    value: (a << 24n) | (BigInt(b) << 16n) | (BigInt(c) << 8n) | BigInt(d),
  })),
  fc.tuple(fc.nat(3), fc.nat(3), fc.nat(255)).map(([a, b, c]) => ({
    family: "IPv6" as const,
    value: (0xfd00n << 112n) | (BigInt(a) << 64n) | (BigInt(b) << 16n) | BigInt(c),
  })),
);

const anyCidr: fc.Arbitrary<Cidr> = anyAddress.chain((address) =>
  fc.nat(addressBits(address.family)).map((prefix) => cidrAround(address, prefix)),
);

describe("networks", () => {
  test.each([
    ["10.0.0.0/8", 1n << 24n],
    ["0.0.0.0/0", 1n << 32n],
    ["10.1.2.3/32", 1n],
    ["fd00::/40", 1n << 88n],
    ["::/0", 1n << 128n],
  ])("%s has %d addresses", (text, size) => {
    const parsed = parseCidr(text);
    expect(parsed.ok && cidrSize(parsed.value)).toBe(size);
    expect(parsed.ok && formatCidr(parsed.value)).toBe(text);
  });

  test.each([
    ["10.0.0.0", "address/prefix length"],
    ["10.0.0.0/33", "address/prefix length"],
    ["10.0.0.0/08", "address/prefix length"],
    ["10.0.0.0/8/8", "address/prefix length"],
    ["fd00::/129", "address/prefix length"],
    ["x/8", "address/prefix length"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["fd00::1/64", "fd00::/64"],
  ])("%s is none: %s", (text, rule) => {
    const parsed = parseCidr(text);
    expect(parsed.ok ? "" : parsed.error).toContain(rule);
    expect(parsed.ok ? "" : parsed.error).toContain(JSON.stringify(text));
  });

  test("what is written reads back as the same network", () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        expect(parseCidr(formatCidr(cidr))).toEqual({ ok: true, value: cidr });
      }),
    );
  });

  test("an address lies in a network exactly when Node's BlockList says so", () => {
    fc.assert(
      fc.property(anyCidr, anyAddress, (cidr, address) => {
        const list = new BlockList();
        const kind = (family: string) => (family === "IPv4" ? "ipv4" : "ipv6");
        const first = formatIpAddress({ family: cidr.family, value: cidr.first });
        list.addSubnet(first, cidr.prefix, kind(cidr.family));
        const expected =
          cidr.family === address.family &&
          list.check(formatIpAddress(address), kind(address.family));
        expect(containsAddress(cidr, address)).toBe(expected);
      }),
    );
  });

  test("networks hold each other or share no address", () => {
    fc.assert(
      fc.property(anyCidr, anyCidr, (a, b) => {
        const last = (c: Cidr) => c.first + cidrSize(c) - 1n;
        const shares = a.family === b.family && a.first <= last(b) && b.first <= last(a);
        expect(cidrsOverlap(a, b)).toBe(shares);
        expect(cidrsOverlap(b, a)).toBe(shares);
        const holds = a.family === b.family && a.first <= b.first && last(b) <= last(a);
        expect(containsCidr(a, b)).toBe(holds);
      }),
    );
  });
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrAround, cidrSize, containsAddress } from "../../api/network/cidr.ts";
import { addressBits } from "../../api/network/ip-address.ts";
import {
  invertPrefixMap,
  mapAddressText,
  mapPrefix,
  type PrefixMap,
  parsePrefixMap,
} from "./map-prefix.ts";

function mapOf(from: string, to: string): PrefixMap {
  const parsed = parsePrefixMap(from, to);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** A map and an address in its `from`. */
const anyCase = fc.constantFrom("IPv4" as const, "IPv6" as const).chain((family) => {
  const value = fc.bigInt({ min: 0n, max: (1n << BigInt(addressBits(family))) - 1n });
  return fc
    .record({ a: value, b: value, host: value, prefix: fc.nat(addressBits(family)) })
    .map(({ a, b, host, prefix }) => {
      const from = cidrAround({ family, value: a }, prefix);
      const to = cidrAround({ family, value: b }, prefix);
      return {
        map: { from, to },
        address: { family, value: from.first + (host % cidrSize(from)) },
      };
    });
});

describe("translation of prefixes", () => {
  test.each([
    ["10.0.0.0/16", "242.7.0.0/16", "10.0.3.4", "242.7.3.4"],
    ["10.244.0.0/14", "242.4.0.0/14", "10.247.255.255", "242.7.255.255"],
    ["fd00:10::/48", "fd15:7::/48", "fd00:10:0:1::9", "fd15:7:0:1::9"],
    ["10.0.0.0/16", "242.7.0.0/16", "10.1.0.1", undefined],
    ["10.0.0.0/16", "242.7.0.0/16", "fd00::1", undefined],
    ["10.0.0.0/16", "242.7.0.0/16", "nonsense", undefined],
  ])("%s -> %s takes %s to %s", (from, to, address, expected) => {
    expect(mapAddressText(address, [mapOf(from, to)])).toBe(expected);
  });

  test("several maps: the one that holds the address", () => {
    const maps = [mapOf("10.0.0.0/16", "242.0.0.0/16"), mapOf("fd00::/64", "fd15::/64")];
    expect(mapAddressText("fd00::5", maps)).toBe("fd15::5");
  });

  test.each([
    ["10.0.0.0/16", "242.0.0.0/17"],
    ["10.0.0.0/16", "fd00::/16"],
  ])("%s and %s are no pair", (from, to) => {
    const parsed = parsePrefixMap(from, to);
    expect(parsed.ok ? "" : parsed.error).toMatch(/one family and length.*got/);
  });

  test("there and back is the same address, inside the other prefix, host bits untouched", () => {
    fc.assert(
      fc.property(anyCase, ({ map, address }) => {
        const there = mapPrefix(address, map);
        if (there === undefined) throw new Error("an address of the prefix is mapped");
        expect(containsAddress(map.to, there)).toBe(true);
        expect(there.value - map.to.first).toBe(address.value - map.from.first);
        expect(mapPrefix(there, invertPrefixMap(map))).toEqual(address);
      }),
    );
  });
});

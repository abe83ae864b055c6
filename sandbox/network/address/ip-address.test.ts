import { isIPv6 } from "node:net";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrContains, parseCidr } from "./cidr.ts";
import { canonicalIp, formatIp, ipFromBytes, ipToBytes, parseIp } from "./ip-address.ts";

describe("canonicalIp", () => {
  test.each([
    ["10.1.2.3", "10.1.2.3"],
    ["fd00:0:0:0:0:0:0:1", "fd00::1"],
    ["FD00::00A1", "fd00::a1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
    ["fe80::1%eth0", undefined],
    ["010.1.1.1", undefined],
    ["10.1.1", undefined],
    ["", undefined],
  ])("%s -> %s", (given, want) => {
    expect(canonicalIp(given)).toBe(want);
  });
});

test("any IPv6 address survives text and bytes, and its text is valid", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (value) => {
      const ip = { family: "IPv6", value } as const;
      expect(isIPv6(formatIp(ip))).toBe(true);
      expect(parseIp(formatIp(ip))).toEqual({ ok: true, value: ip });
      expect(ipFromBytes(ipToBytes(ip))).toEqual(ip);
    }),
  );
});

test("any IPv4 address survives text and bytes", () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const ip = parseIp(text);
      expect(ip.ok && formatIp(ip.value)).toBe(text);
      expect(ip.ok && ipFromBytes(ipToBytes(ip.value))).toEqual(ip.ok && ip.value);
    }),
  );
});

describe("parseCidr", () => {
  test.each(["10.1.0.0/16", "fd00::/112", "0.0.0.0/0", "10.1.2.3/32", "::/0"])(
    "takes %s",
    (text) => {
      expect(parseCidr(text).ok).toBe(true);
    },
  );

  test.each([
    "10.1.0.1/16",
    "10.1.0.0",
    "10.1.0.0/33",
    "x/8",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "fd00::1/112",
  ])("refuses %s, saying what it saw", (text) => {
    const parsed = parseCidr(text);
    expect(parsed.ok).toBe(false);
    expect(!parsed.ok && parsed.error).toContain(JSON.stringify(text));
  });
});

test.each([
  ["10.1.0.0/16", "10.1.0.0", true],
  ["10.1.0.0/16", "10.1.255.255", true],
  ["10.1.0.0/16", "10.2.0.0", false],
  ["0.0.0.0/0", "fd00::1", false],
  ["fd00::/112", "fd00::ffff", true],
  ["fd00::/112", "fd00::1:0", false],
])("%s contains %s: %s", (range, address, want) => {
  const cidr = parseCidr(range);
  const ip = parseIp(address);
  expect(cidr.ok && ip.ok && cidrContains(cidr.value, ip.value)).toBe(want);
});

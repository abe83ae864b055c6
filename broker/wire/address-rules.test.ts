import { describe, expect, test } from "vitest";
import type { EndpointsRow } from "../../api/broker/row.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import { checkAnnounced, parseCidrs, parseEndpointAddress } from "./address-rules.ts";
import { testCluster } from "./row-arbitrary.ts";

describe("an endpoint address", () => {
  test.each<[family: IpFamily, address: string, rule: string]>([
    ["IPv4", "0.0.0.0", "unspecified"],
    ["IPv4", "127.0.0.1", "loopback"],
    ["IPv4", "127.255.255.255", "loopback"],
    ["IPv4", "169.254.169.254", "link-local"],
    ["IPv4", "224.0.0.1", "multicast"],
    ["IPv4", "239.255.255.255", "multicast"],
    ["IPv4", "255.255.255.255", "reserved"],
    ["IPv6", "::", "unspecified"],
    ["IPv6", "::1", "loopback"],
    ["IPv6", "0:0:0:0:0:0:0:1", "loopback"],
    ["IPv6", "::ffff:127.0.0.1", "IPv4-mapped"],
    ["IPv6", "::ffff:10.0.0.1", "IPv4-mapped"],
    ["IPv6", "::10.0.0.1", "IPv4-compatible"],
    ["IPv6", "64:ff9b::127.0.0.1", "loopback (translated)"],
    ["IPv6", "64:ff9b::a9fe:a9fe", "link-local (translated)"],
    ["IPv6", "fe80::1", "link-local"],
    ["IPv6", "febf::1", "link-local"],
    ["IPv6", "ff02::1", "multicast"],
  ])("%s %s is refused: %s", (family, address, rule) => {
    expect(parseEndpointAddress(family, address)).toEqual({
      ok: false,
      error: `address must not be ${rule}: got "${address}"`,
    });
  });

  test.each<[family: IpFamily, address: string]>([
    ["IPv4", "::1"],
    ["IPv4", ""],
    ["IPv4", "10.0.0.256"],
    ["IPv4", "10.0.0"],
    ["IPv4", " 10.0.0.1"],
    ["IPv6", "10.0.0.1"],
    ["IPv6", "fe80::1%eth0"],
    ["IPv6", "2001:db8::1%eth0"],
    ["IPv6", "[2001:db8::1]"],
  ])("%s %j is no address of that family", (family, address) => {
    expect(parseEndpointAddress(family, address)).toMatchObject({ ok: false });
  });

  test.each<[family: IpFamily, address: string]>([
    ["IPv4", "10.0.0.1"],
    ["IPv4", "1.0.0.0"],
    ["IPv4", "223.255.255.255"],
    ["IPv4", "169.253.0.1"],
    ["IPv6", "2001:db8::1"],
    ["IPv6", "fd00::1"],
    ["IPv6", "fec0::1"],
    ["IPv6", "64:ff9b::10.0.0.1"],
  ])("%s %s is accepted", (family, address) => {
    expect(parseEndpointAddress(family, address)).toEqual({ ok: true, value: address });
  });
});

describe("announced cidrs", () => {
  test.each([
    ["10.0.0.0"],
    ["10.0.0.0/33"],
    ["10.0.0.0/-1"],
    ["10.0.0.0/08"],
    ["10.0.0.0/8/8"],
    ["10.0.0/8"],
    ["::/129"],
    ["fe80::%eth0/64"],
    [""],
    ["x/8"],
    ["10.0.0.0/"],
  ])("%j is refused", (text) => {
    expect(parseCidrs([text])).toMatchObject({ ok: false });
  });

  test("are at most 64", () => {
    expect(parseCidrs(Array.from({ length: 65 }, () => "10.0.0.0/8"))).toEqual({
      ok: false,
      error: "cidrs must be at most 64: got 65",
    });
  });

  test.each<[cidrs: readonly string[], address: string, family: IpFamily, allowed: boolean]>([
    [[], "10.0.0.1", "IPv4", true],
    [["10.0.0.0/8"], "10.255.255.255", "IPv4", true],
    [["10.0.0.0/8"], "11.0.0.0", "IPv4", false],
    [["10.0.0.0/8", "192.168.0.0/16"], "192.168.1.1", "IPv4", true],
    [["0.0.0.0/0"], "2001:db8::1", "IPv6", false],
    [["2001:db8::/32"], "2001:db8::1", "IPv6", true],
    [["2001:db8::/32"], "2001:db9::1", "IPv6", false],
    [["10.0.0.7/32"], "10.0.0.7", "IPv4", true],
  ])("%j: %s of %s is allowed: %s", (cidrs, address, family, allowed) => {
    const parsed = parseCidrs(cidrs);
    if (!parsed.ok) throw new Error(parsed.error);
    const row: EndpointsRow = {
      kind: "endpoints",
      cluster: testCluster("a"),
      namespace: "n",
      name: "s",
      slice: "x",
      addressType: family,
      ports: [],
      endpoints: [{ addresses: [address], ready: true, serving: true, terminating: false }],
    };
    expect(checkAnnounced(row, parsed.value).ok).toBe(allowed);
  });
});

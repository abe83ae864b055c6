import { isIPv4, isIPv6 } from "node:net";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IpFamily } from "../kube/service.ts";
import { formatIpAddress, parseIpAddress } from "./ip-address.ts";

const anyAddress = fc.constantFrom<IpFamily>("IPv4", "IPv6").chain((family) =>
  fc.record({
    family: fc.constant(family),
    value: fc.bigInt({ min: 0n, max: (1n << (family === "IPv4" ? 32n : 128n)) - 1n }),
  }),
);

describe("addresses", () => {
  test.each([
    ["0.0.0.0", 0n, "0.0.0.0"],
    ["10.1.2.3", 0x0a010203n, "10.1.2.3"],
    ["255.255.255.255", 0xffffffffn, "255.255.255.255"],
    ["::", 0n, "::"],
    ["::1", 1n, "::1"],
    // RFC 5952 sections 4.1 to 4.3: no leading zeros, longest run, the first of equals, one zero written out, lower case.
    ["2001:0DB8::0001", 0x20010db8000000000000000000000001n, "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", 0x20010db8000000010001000100010001n, "2001:db8:0:1:1:1:1:1"],
    ["2001:db8:0:0:1:0:0:1", 0x20010db8000000000001000000000001n, "2001:db8::1:0:0:1"],
    ["2001:0:0:1:0:0:0:1", 0x20010000000000010000000000000001n, "2001:0:0:1::1"],
    ["64:ff9b::10.1.2.3", 0x0064ff9b00000000000000000a010203n, "64:ff9b::a01:203"],
    ["fe80::", 0xfe80n << 112n, "fe80::"],
  ])("%s is %d and written %s", (text, value, canonical) => {
    const parsed = parseIpAddress(text);
    expect(parsed).toMatchObject({ ok: true, value: { value } });
    if (parsed.ok) expect(formatIpAddress(parsed.value)).toBe(canonical);
  });

  test.each(["", "10.1.2", "10.1.2.256", "01.2.3.4", "::1%eth0", "1::2::3", "g::", " ::1"])(
    "%j is no address, and the error shows it",
    (text) => {
      const parsed = parseIpAddress(text);
      expect(parsed.ok ? "" : parsed.error).toContain(JSON.stringify(text));
    },
  );

  test("what is written reads back as the same address, and others read it too", () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        const text = formatIpAddress(address);
        expect(parseIpAddress(text)).toEqual({ ok: true, value: address });
        expect(address.family === "IPv4" ? isIPv4(text) : isIPv6(text)).toBe(true);
        // WHATWG URL serialises IPv6 by RFC 5952 too.
        if (address.family === "IPv6")
          expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
    );
  });
});

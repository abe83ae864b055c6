import { encode } from "dns-packet";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { must } from "../result.ts";
import { addressBytes, addressText, unmapped } from "./address-bytes.ts";
import { formatIpAddress, parseIpAddress } from "./ip-address.ts";

function bytesOf(text: string): string {
  return Buffer.from(addressBytes(text)).toString("hex");
}

test.each([
  { text: "192.0.2.1", want: "c0000201" },
  { text: "::ffff:192.0.2.1", want: "c0000201" },
  { text: "::", want: "00000000000000000000000000000000" },
  { text: "::1", want: "00000000000000000000000000000001" },
  { text: "fe80::1%eth0", want: "fe800000000000000000000000000001" },
  { text: "64:ff9b::192.0.2.33", want: "0064ff9b0000000000000000c0000221" },
  { text: "", want: "00000000" },
  { text: "east.example.org", want: "00000000" },
])("$text is $want", ({ text, want }) => {
  expect(bytesOf(text)).toBe(want);
});

test("any address is what dns-packet makes of it", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (drawn) => {
      // In the form that sockets give; dns-packet misreads rarer ones.
      const text = formatIpAddress(must(parseIpAddress(drawn)));
      const type = text.includes(":") ? "AAAA" : "A";
      const record = encode({ answers: [{ name: ".", type, data: text }] });
      expect(bytesOf(text)).toBe(record.subarray(23).toString("hex"));
    }),
  );
});

test.each([
  ["10.1.2.3", "10.1.2.3"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["fe80::1%eth0", "fe80::1"],
  ["2001:DB8:0::5", "2001:db8::5"],
  ["", "0.0.0.0"],
])("address %j is told as %s", (text, want) => {
  expect(addressText(addressBytes(text))).toBe(want);
});

test("any address survives its bytes, in its one text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (drawn) => {
      const want = formatIpAddress(must(parseIpAddress(unmapped(drawn))));
      const bytes = addressBytes(drawn);
      expect(bytes).toHaveLength(want.includes(":") ? 16 : 4);
      expect(addressText(bytes)).toBe(want);
    }),
  );
});

test.each([
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "::ffff:c000:201"],
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8::1", "2001:db8::1"],
])("%s is known as %s", (text, want) => {
  expect(unmapped(text)).toBe(want);
});
